package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func load(t *testing.T, text string, environ ...string) (Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tollgate.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return loadConfig(path, environ)
}

func TestEveryKeyHasADefault(t *testing.T) {
	for name, text := range map[string]string{"an empty file": "", "only a comment": "# nothing\n", "empty blocks": "sip:\nadmin:\n"} {
		c, err := load(t, text)
		if err != nil || c.SIP.Listen[0] != "udp://0.0.0.0:5060" || c.Admin.Listen != "127.0.0.1:8080" || c.SIP.MaxCalls != 20000 {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	if c, err := loadConfig("", nil); err != nil || c.Node == "" {
		t.Errorf("no file: %+v, %v", c, err)
	}
}

func TestABadConfigurationNamesFileLineAndKey(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"unknown key":        {"node: a\nsip:\n  lisen: []\n", "tollgate.yaml:3: sip.lisen is not a key"},
		"number for a list":  {"sip:\n  listen: 5060\n", "tollgate.yaml:2: sip.listen must be a list"},
		"text for a number":  {"sip:\n  max_calls: many\n", "tollgate.yaml:2: sip.max_calls must be a whole number"},
		"text for a switch":  {"store:\n  ephemeral: perhaps\n", "tollgate.yaml:2: store.ephemeral must be true or false"},
		"value for a block":  {"log: debug\n", "tollgate.yaml:1: log must be a block"},
		"bad listener":       {"sip:\n  listen:\n    - udp://0.0.0.0:5060\n    - 0.0.0.0\n", "tollgate.yaml:4: sip.listen[1] must be udp://"},
		"bad network":        {"sip:\n  trusted:\n    - { net: 10.0.0.1, identity: from }\n", "tollgate.yaml:3: sip.trusted[0].net must be a network"},
		"bad identity":       {"sip:\n  trusted:\n    - { net: 10.0.0.1/32, identity: trust-me }\n", "sip.trusted[0].identity must be from, pai"},
		"bad level":          {"log: {level: loud}\n", "tollgate.yaml:1: log.level must be debug"},
		"no algorithm":       {"sip:\n  digest: []\n", "tollgate.yaml:2: sip.digest must name at least one"},
		"md5 twice":          {"sip:\n  digest: [md5, md5]\n", "sip.digest[1] must be sha-256 or md5, each once"},
		"other strangers":    {"sip: { strangers: welcome }\n", "sip.strangers must be auto"},
		"two stores":         {"store: {redis: redis://h, ephemeral: true}\n", "store.ephemeral is for trying"},
		"not YAML":           {"a: [\n", "tollgate.yaml: yaml: line"},
		"the same key twice": {"node: a\nnode: b\n", "already defined"},
	} {
		if _, err := load(t, c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant …%s…", name, err, c.want)
		}
	}
	_, err := load(t, "log: {level: loud}\nsip: {strangers: welcome}\n")
	if err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("two faults are not both named: %v", err)
	}
}

func TestTheEnvironmentOverridesTheFile(t *testing.T) {
	c, err := load(t, "node: a\nsip: {max_calls: 5}\n", "TOLLGATE_NODE=b", "TOLLGATE_SIP_MAX_CALLS=7", `TOLLGATE_SIP_LISTEN=["udp://127.0.0.1:5061"]`,
		`TOLLGATE_SIP_TRUSTED=[{net: 127.0.0.0/8, identity: from}]`, "TOLLGATE_STORE_EPHEMERAL=true", "TOLLGATE_ADMIN_PASSWORD=x", "TOLLGATE_SERVICE_HOST=k8s", "HOME=/x")
	if err != nil || c.Node != "b" || c.SIP.MaxCalls != 7 || c.SIP.Listen[0] != "udp://127.0.0.1:5061" || c.SIP.Trusted[0].Identity != "from" || !c.Store.Ephemeral {
		t.Errorf("%+v, %v", c, err)
	}
	for entry, want := range map[string]string{
		"TOLLGATE_SIP_LISEN=x":                "TOLLGATE_SIP_LISEN is no key",
		"TOLLGATE_SIP_MAX_CALLS=x":            "TOLLGATE_SIP_MAX_CALLS=x must be a whole number",
		"TOLLGATE_LOG_LEVEL=loud":             "environment TOLLGATE_LOG_LEVEL: log.level must be",
		"TOLLGATE_SIP_TRUSTED=[{network: 1}]": "TOLLGATE_SIP_TRUSTED=",
	} {
		if _, err := load(t, "", entry); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want …%s…", entry, err, want)
		}
	}
}

func FuzzConfig(f *testing.F) {
	f.Add("node: a\nsip: {listen: [udp://0.0.0.0:5060]}\n")
	f.Add("sip: {trusted: [{net: ::/0, identity: pai}]}")
	f.Add("a: &a [*a]\n")
	f.Fuzz(func(t *testing.T, text string) {
		c := defaultConfig()
		if _, err := decodeStrictly([]byte(text), "fuzz", &c); err == nil {
			c.faults()
		}
	})
}

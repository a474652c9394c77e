package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.yaml.in/yaml/v3"

	"tollgate/rating/embedded/redistest"
)

// Everything in deploy/ passes its own checker.

// deployed is a path in deploy/.
func deployed(path ...string) string {
	return filepath.Join(append([]string{repository, "deploy"}, path...)...)
}

// checkedBy is a program that must be there in CI: .ci/setup installs it.
func checkedBy(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skipf("%s is not installed", names[0])
	return ""
}

func TestTheKamailioConfigurationIsGoodWithEveryDefine(t *testing.T) {
	kamailio := checkedBy(t, "kamailio", "/usr/sbin/kamailio")
	for _, defines := range [][]string{nil, {"WITH_RTPENGINE"}, {"EMERGENCY_TRUNK=\"sip:203.0.113.9\""}, {"WITH_RTPENGINE", "LISTEN=udp:127.0.0.1:5060"}} {
		args := []string{"-c", "-f", deployed("kamailio", "kamailio.cfg"), "-A", `NODES="` + deployed("kamailio", "tollgate.list") + `"`}
		for _, d := range defines {
			args = append(args, "-A", d)
		}
		if out, err := exec.Command(kamailio, args...).CombinedOutput(); err != nil {
			t.Errorf("kamailio -c with %v: %v\n%s", defines, err, out)
		}
	}
}

func TestTheUnitsAreGoodAndConfined(t *testing.T) {
	analyze := checkedBy(t, "systemd-analyze")
	dir := t.TempDir()
	var units []string
	for _, name := range []string{"tollgate.service", "tollgate-backup.service", "tollgate-backup.timer"} {
		text, err := os.ReadFile(deployed("systemd", name))
		if err != nil {
			t.Fatal(err)
		}
		unit := filepath.Join(dir, name)
		if err := os.WriteFile(unit, []byte(strings.ReplaceAll(string(text), "/usr/bin/tollgate", "/bin/true")), 0o644); err != nil { // it is not installed here
			t.Fatal(err)
		}
		units = append(units, unit)
	}
	if out, err := exec.Command(analyze, append([]string{"verify"}, units...)...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	for _, unit := range units[:2] {
		out, err := exec.Command(analyze, "security", "--offline=true", "--threshold=30", unit).CombinedOutput() // exposure 3.0 of 10
		if err != nil {
			t.Errorf("systemd-analyze security: %v\n%s", err, out)
		}
	}
}

// The Redis user that is shipped can do what the program does, and nothing that would lose money.
func TestTheProgramRunsUnderTheShippedACL(t *testing.T) {
	t.Parallel()
	server := redistest.StartServer(t, redistest.TCP(), redistest.ACL(deployed("redis", "tollgate.acl"), "tollgate", "secret"))
	o := newOffice(t, "store: { redis: "+server.URL()+" }\n")
	call := o.phone.Call(number)
	if _, err := call.Answered(within(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	call.Bye(within(t, 5*time.Second))
	o.calls(1)
	o.call("DELETE", "/extensions/"+broke, nil, nil, 200, 204)
	o.proved(10 * time.Second)
	dir := filepath.Join(t.TempDir(), "backup")
	o.must("backup", dir, "-c", o.config)
	before := o.money()
	o.stop()
	o.process = nil
	o.must("restore", dir, "-c", o.config, "--replace")
	o.start()
	if after := o.money(); !reflect.DeepEqual(after, before) {
		t.Errorf("restored: %+v, want %+v", after, before)
	}

	client := server.Client()
	for _, command := range [][]any{{"FLUSHALL"}, {"FLUSHDB"}, {"CONFIG", "SET", "appendfsync", "no"}, {"SHUTDOWN"}, {"KEYS", "*"},
		{"ACL", "LIST"}, {"REPLICAOF", "NO", "ONE"}, {"GET", "foreign"}, {"SET", "{20}a:1", "x"}, {"PUBLISH", "foreign", "x"}} {
		if err := client.Do(t.Context(), command...).Err(); err == nil || !strings.HasPrefix(err.Error(), "NOPERM") {
			t.Errorf("%v: %v, want NOPERM", command, err)
		}
	}
	options := server.Options()
	options.Username, options.Password = redistest.Keeper, "any"
	keeper := redis.NewClient(options)
	defer keeper.Close()
	entries, err := keeper.ACLLog(t.Context(), 100).Result()
	if err != nil {
		t.Fatal(err)
	}
	wanted := []string{"flushall", "flushdb", "config|set", "shutdown", "keys", "acl|list", "replicaof", "foreign", "{20}a:1", "client|setinfo", "client|maint_notifications"}
	for _, e := range entries {
		if !slices.Contains(wanted, strings.ToLower(e.Object)) {
			t.Errorf("the program was refused %s (%s): %+v", e.Object, e.Reason, e)
		}
	}
}

// redis.conf starts a server, and that server is as durable as the private one.
func TestTheRedisConfigurationIsDurable(t *testing.T) {
	text, err := os.ReadFile(deployed("redis", "redis.conf"))
	if err != nil {
		t.Fatal(err)
	}
	var options []redistest.Option
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		key, value, found := strings.Cut(strings.TrimSpace(line), " ")
		if !found || slices.Contains([]string{"bind", "port", "dir", "aclfile", "logfile"}, key) {
			continue
		}
		options = append(options, redistest.Config(key, strings.Trim(strings.TrimSpace(value), `"`)))
	}
	server := redistest.StartServer(t, options...)
	for key, want := range map[string]string{"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction", "save": ""} {
		if got := server.Client().ConfigGet(t.Context(), key).Val()[key]; got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
}

// The example names every key of the configuration with its default, and nothing else.
func TestTheExampleHasEveryKey(t *testing.T) {
	text, err := os.ReadFile(deployed("tollgate.example.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var example map[string]any
	if err := yaml.Unmarshal(text, &example); err != nil {
		t.Fatal(err)
	}
	for _, path := range keysOf("", reflect.TypeFor[Config]()) {
		var at any = example
		for _, name := range strings.Split(path, ".") {
			if list, ok := at.([]any); ok && len(list) > 0 {
				at = list[0]
			}
			inner, _ := at.(map[string]any)
			at = inner[name]
		}
		if at == nil && path != "node" { // whose default is the host's name
			t.Errorf("the example does not name %s", path)
		}
	}
	if _, err := loadConfig(deployed("tollgate.example.yaml"), nil); err != nil {
		t.Error(err)
	}
}

// keysOf are the paths of all keys of a type.
func keysOf(path string, of reflect.Type) (paths []string) {
	if of.Kind() == reflect.Slice {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct {
		return []string{path}
	}
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Field(i).Tag.Get("yaml"), ",")
		if name != "" {
			paths = append(paths, keysOf(strings.TrimPrefix(path+"."+name, "."), of.Field(i).Type)...)
		}
	}
	return paths
}

// The compose file names what is there: files that are mounted, keys that the program knows, volumes that are declared.
func TestTheComposeFileFitsTheRepository(t *testing.T) {
	text, err := os.ReadFile(deployed("docker", "compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Name     string
		Services map[string]struct {
			Image       string
			Build       struct{ Context, Dockerfile string }
			Environment map[string]string
			Volumes     []string
			Secrets     []string
			Restart     string
			Ports       []string
			NetworkMode string `yaml:"network_mode"`
		}
		Volumes map[string]any
		Secrets map[string]any
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	made := []string{"tollgate.yaml", filepath.Join("secrets", "tollgate.acl")} // by who follows the README
	for name, s := range file.Services {
		if (s.Image == "") == (s.Build.Context == "") || s.Restart == "" {
			t.Errorf("%s needs an image or a build, and a restart policy", name)
		}
		if s.Image != "" && !regexp.MustCompile(`:v?\d`).MatchString(s.Image) {
			t.Errorf("%s: %s has no version", name, s.Image)
		}
		if s.Build.Dockerfile != "" {
			if _, err := os.Stat(deployed("docker", s.Build.Context, s.Build.Dockerfile)); err != nil {
				t.Error(err)
			}
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s: port %s is open to the network", name, p)
			}
		}
		for _, v := range s.Volumes {
			source, _, _ := strings.Cut(v, ":")
			if !strings.HasPrefix(source, ".") {
				if _, ok := file.Volumes[source]; !ok {
					t.Errorf("%s: volume %s is not declared", name, source)
				}
				continue
			}
			if _, err := os.Stat(deployed("docker", source)); err != nil && !slices.Contains(made, filepath.Clean(source)) {
				t.Errorf("%s mounts what is not there: %v", name, err)
			}
		}
		for _, secret := range s.Secrets {
			if _, ok := file.Secrets[secret]; !ok {
				t.Errorf("%s: secret %s is not declared", name, secret)
			}
		}
		var environment []string
		for key, value := range s.Environment {
			if strings.HasPrefix(key, envPrefix) && key != envPrefix+"ADMIN_PASSWORD" {
				environment = append(environment, key+"="+regexp.MustCompile(`\$\{[^}]*\}`).ReplaceAllString(value, "x"))
			}
		}
		if _, err := loadConfig("", environment); err != nil {
			t.Errorf("environment of %s: %v", name, err)
		}
	}
}

package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tollgate/sipctl/siptest"
)

// Secrets are planted everywhere, the whole program runs at level debug through traffic of every kind, good and bad, and none
// of them is found in what it prints, shows or documents.

// planted are secrets; a test may add those that the program makes up.
type planted struct {
	t       *testing.T
	secrets map[string]string // what it is, by the text
}

func (p *planted) secret(what string) string {
	text := "canary-" + strings.ReplaceAll(what, " ", "-") + "-7f3a"
	p.secrets[text] = what
	return text
}

// absent fails for every secret in a text, plain, in base64, or percent-encoded.
func (p *planted) absent(where, text string) {
	p.t.Helper()
	for secret, what := range p.secrets {
		for form, s := range map[string]string{"": secret, " in base64": strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(secret)), "="), " percent-encoded": strings.ReplaceAll(secret, " ", "%20")} {
			if at := strings.Index(text, s); at >= 0 {
				p.t.Errorf("%s tells the %s%s: …%s…", where, what, form, text[max(0, at-200):min(len(text), at+len(s)+40)])
				break
			}
		}
	}
	for _, sign := range []string{"PRIVATE KEY", "Digest username=", "m=audio", "c=IN IP4"} {
		if at := strings.Index(text, sign); at >= 0 && where != "/docs" && where != "/api/v1/openapi.json" {
			p.t.Errorf("%s tells %q: …%s…", where, sign, text[max(0, at-200):min(len(text), at+100)])
		}
	}
}

// redisWithPassword is a Redis of one's own.
func redisWithPassword(t *testing.T, password string) (url string, stop func()) {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed: .ci/setup installs it")
	}
	port := freePort(t)
	process := exec.Command(program, "--port", fmt.Sprint(port), "--bind", "127.0.0.1", "--requirepass", password, "--dir", t.TempDir(), "--appendonly", "yes", "--appendfsync", "always", "--save", "")
	process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	stop = func() {
		if !ended {
			ended = true
			_ = process.Process.Kill()
			_ = process.Wait()
		}
	}
	t.Cleanup(stop)
	return fmt.Sprintf("redis://:%s@127.0.0.1:%d/0", password, port), stop
}

func TestNoSecretIsLoggedShownOrDocumented(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			p := &planted{t: t, secrets: map[string]string{adminPassword: "password of the administrator"}}
			redis, stopRedis := redisWithPassword(t, p.secret("password of the redis"))
			n := newNodeFor(t, "  trusted:\n    - { net: 127.0.0.1/32, identity: from }\n", fmt.Sprintf("log: { level: debug, format: %s }\nstore: { redis: %q }\n", format, redis))
			o := newOfficeAt(t, n, netip.MustParseAddr("127.0.0.9"))
			p.secrets[o.token] = "token of a session"
			o.operate(p)
			o.carry(p)
			o.annoy(p)
			var docs, spec, audits, metrics string
			for path, into := range map[string]*string{"/docs": &docs, "/api/v1/openapi.json": &spec, "/api/v1/audit-log?per_page=200": &audits, "/metrics": &metrics} {
				*into = o.page(path)
				if path != "/docs" && len(*into) < 100 {
					t.Errorf("%s is empty: %s", path, *into)
				}
				p.absent(path, *into)
			}
			for _, command := range []string{"check", "audit"} {
				out, _ := o.tollgate(command, "-c", o.config)
				p.absent("tollgate "+command, out)
			}
			stopRedis()
			call := o.phone.Call(number)
			_, _ = call.Final(within(t, 5*time.Second))
			o.await("aware of the lost store", 10*time.Second, func() bool { v, _ := o.metric("tollgate_store_up"); return v == "0" })
			out, _ := o.tollgate("check", "-c", o.config)
			p.absent("tollgate check without the store", out)
			log := o.log.tail(1 << 30)
			for _, event := range []string{"call answered", "call ended", "call refused", "log-in failed", "a SIP password was refused", "the store is down"} {
				if !strings.Contains(log, event) {
					t.Errorf("the log has no %q: the traffic is not what it should be", event)
				}
			}
			p.absent("the log", log)
		})
	}
}

// page reads a page with the administrator's token.
func (n *node) page(path string) string {
	n.t.Helper()
	request := must(http.NewRequest("GET", n.api+path, nil))
	request.Header.Set("Authorization", "Bearer "+n.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		n.t.Fatal(err)
	}
	defer response.Body.Close()
	return string(must(io.ReadAll(response.Body)))
}

// operate does what an operator does with secrets, rightly and wrongly.
func (o *office) operate(p *planted) {
	type object = map[string]any
	sip, trunk := p.secret("SIP password"), p.secret("password of a trunk")
	o.call("PATCH", "/extensions/"+rich, object{"sip_password": sip}, nil, 200)
	o.call("PATCH", "/extensions/"+rich, object{"sip_password": sip}, nil, 200)
	o.call("POST", "/extensions", object{"number": "201", "sip_password": p.secret("SIP password of a new one")}, nil, 201)
	o.call("PATCH", "/trunks/FXO-1", object{"username": "gw", "password": trunk}, nil, 200)
	o.call("POST", "/trunks", object{"name": "FXO-9", "uri": "sip:127.0.0.9:9", "username": "gw", "password": p.secret("password of a dead trunk"), "register": true}, nil, 201)
	var token struct{ Token string }
	o.call("POST", "/tokens", object{"name": "reader", "role": "viewer"}, &token, 201)
	p.secrets[token.Token] = "API token"
	var settings object
	o.call("GET", "/settings", nil, &settings, 200)
	settings["webhooks"] = []object{{"url": "https://127.0.0.1:9/hook", "secret": p.secret("secret of a webhook"), "events": []string{"recharge"}}}
	o.try("PUT", "/settings", settings)
	o.recharge(rich, "1.0000")
	for _, wrong := range []struct {
		method, path string
		body         any
	}{
		{"POST", "/login", object{"username": "admin", "password": p.secret("wrong password")}},
		{"POST", "/login", object{"username": "admin", "password": []string{p.secret("password in a list")}}},
		{"POST", "/login", object{"username": "admin", "pass": p.secret("password in a wrong field")}},
		{"PUT", "/me/password", object{"old_password": p.secret("wrong old password"), "new_password": p.secret("new password")}},
		{"PATCH", "/extensions/" + poor, object{"sip_password": 42, "secret": p.secret("SIP password in a wrong field")}},
		{"PATCH", "/extensions/nobody", object{"sip_password": p.secret("SIP password of nobody")}},
		{"PATCH", "/trunks/FXO-1", object{"uri": "sip:gw:" + p.secret("password in a URI") + "@127.0.0.9"}},
		{"POST", "/managers", object{"role": "viewer", "password": p.secret("password of a manager")}},
	} {
		if status, text, err := o.try(wrong.method, wrong.path, wrong.body); err != nil || status >= 500 {
			o.t.Errorf("%s %s: %d %s %v", wrong.method, wrong.path, status, text, err)
		}
	}
	request := must(http.NewRequest("POST", o.api+"/api/v1/license", strings.NewReader(p.secret("licence that is none"))))
	request.Header.Set("Content-Type", "application/octet-stream")
	request.Header.Set("Authorization", "Bearer "+o.token)
	must(http.DefaultClient.Do(request)).Body.Close()
	request = must(http.NewRequest("GET", o.api+"/api/v1/me?token="+p.secret("token in a query"), nil))
	request.Header.Set("Authorization", "Bearer "+p.secret("wrong token"))
	request.Header.Set("Cookie", "tollgate="+p.secret("cookie"))
	must(http.DefaultClient.Do(request)).Body.Close()
}

// carry places calls that go right, with a session description and credentials.
func (o *office) carry(p *planted) {
	t := o.t
	sdp := siptest.Body{Type: "application/sdp", Text: "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=" + p.secret("session description") + "\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"}
	o.carrier.On("88", siptest.Challenged("carrier", siptest.Answer(0)))
	calls := []*siptest.Call{o.phone.Place(siptest.Plan{Number: number, Body: sdp}), o.phone.Place(siptest.Plan{Number: "988", Body: sdp})}
	o.await("asking strangers", 5*time.Second, func() bool {
		m, err := o.stranger("127.0.0.40", "udp", rich, "").Call(number).Final(within(t, 500*time.Millisecond))
		return err == nil && m.Code == 401
	})
	for secret, what := range p.secrets {
		if what == "SIP password" {
			calls = append(calls, o.stranger("127.0.0.41", "tcp", rich, secret).Place(siptest.Plan{Number: number, Body: sdp}))
		}
	}
	for i, call := range calls {
		if m, err := call.Answered(within(t, 10*time.Second)); err != nil || m.Code != 200 {
			t.Fatalf("call %d: %v %v", i, m, err)
		}
		_, _ = call.Reinvite(within(t, 5*time.Second), sdp)
		if _, err := call.Bye(within(t, 10*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	_, _ = o.newPhone(broke).Place(siptest.Plan{Number: number, Body: sdp}).Final(within(t, 5*time.Second))
}

// annoy does what thieves and broken devices do.
func (o *office) annoy(p *planted) {
	for range 3 {
		_, _ = o.stranger("127.0.0.42", "udp", rich, p.secret("guessed SIP password")).Call(number).Final(within(o.t, 5*time.Second))
	}
	nonce, sdp := p.secret("digest response"), p.secret("broken session description")
	for _, headers := range []string{"", "Content-Length: 900\r\n", "Content-Length: x\r\n", "Max-Forwards: -1\r\n", "Require: nothing\r\n"} {
		for _, method := range []string{"INVITE", "REGISTER", "BYE", "WHAT"} {
			message := fmt.Sprintf("%s sip:%s@%s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5999;rport;branch=z9hG4bK%s%d\r\nFrom: <sip:101@pbx>;tag=f\r\nTo: <sip:1@pbx>\r\nCall-ID: c%d\r\nCSeq: 1 %s\r\n"+
				"Contact: <sip:101@127.0.0.1:5999>\r\nAuthorization: Digest username=\"101\", realm=\"tollgate\", nonce=\"1\", uri=\"sip:1\", response=\"%s\"\r\n"+
				"Proxy-Authorization: Basic %s\r\n%sContent-Type: application/sdp\r\n\r\nv=0\r\ns=%s\r\nm=audio 9 RTP/AVP 0\r\n",
				method, number, o.sip, method, len(headers), len(headers), method, nonce, nonce, headers, sdp)
			_ = o.phone.SendRaw([]byte(message))
		}
	}
	time.Sleep(200 * time.Millisecond)
}

// A start that fails says why, and no secret.
func TestNoSecretIsInAnErrorOfTheStart(t *testing.T) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &planted{t: t, secrets: map[string]string{}}
	redis, _ := redisWithPassword(t, p.secret("password of the redis"))
	wrong := strings.Replace(redis, "password-of-the-redis", "wrong-one", 1)
	p.secrets["canary-wrong-one-7f3a"] = "wrong password of the redis"
	secret := p.secret("password in a DSN")
	for name, lines := range map[string]string{
		"a wrong password":        fmt.Sprintf("store: { redis: %q }", wrong),
		"no such host":            fmt.Sprintf("store: { redis: \"redis://u:%s@127.0.0.1:1/0\" }", secret),
		"a URL that is none":      fmt.Sprintf("store: { redis: \"redis://u:%s@127.0.0.1:port/0\" }", secret),
		"an unknown scheme":       fmt.Sprintf("store: { redis: \"rredis://u:%s@127.0.0.1/0\" }", secret),
		"a slash in it":           fmt.Sprintf("store: { redis: \"redis://u:%s/%%zz@127.0.0.1/0\" }", secret),
		"an unreachable archive":  fmt.Sprintf("store: { ephemeral: true }\narchive: { dsn: \"postgres://u:%s@127.0.0.1:1/tollgate\" }", secret),
		"an archive that is none": fmt.Sprintf("store: { ephemeral: true }\narchive: { dsn: \"postgres://u:%s@127.0.0.1:port/%%zz\" }", secret),
		"a DSN in words":          fmt.Sprintf("store: { ephemeral: true }\narchive: { dsn: \"host=127.0.0.1 port=1 user=u password=%s\" }", secret),
		"an unknown key":          fmt.Sprintf("store: { ephemeral: true, password: %q }", secret),
		"a password as a number":  fmt.Sprintf("store: { ephemeral: %q }", secret),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &planted{t: t, secrets: p.secrets}
			dir := t.TempDir()
			config := filepath.Join(dir, "tollgate.yaml")
			text := fmt.Sprintf("data_dir: %s\nsip: { listen: [\"udp://127.0.0.1:%d\"] }\nadmin: { listen: \"127.0.0.1:0\" }\nlicense: { state_dir: %s }\nlog: { level: debug }\n%s\n", dir, freePort(t), dir, lines)
			if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, command := range []string{"serve", "check", "audit"} {
				c := exec.CommandContext(within(t, 4*time.Second), path, command, "-c", config)
				c.Env = append(cleanEnvironment(), "TOLLGATE_ADMIN_PASSWORD="+adminPassword)
				out, _ := c.CombinedOutput()
				if len(out) == 0 {
					t.Errorf("%s says nothing", command)
				}
				p.absent(command, string(out))
			}
		})
	}
}

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// buildPackage makes the Debian package of the program under test.
func buildPackage(t *testing.T) string {
	t.Helper()
	checkedBy(t, "dpkg-deb")
	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	deb := filepath.Join(t.TempDir(), "tollgate.deb")
	build := exec.Command(deployed("debian", "build"), program, "0.0.1", deb)
	build.Env = append(os.Environ(), "DEB_COMPRESSION=none")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return deb
}

// The package holds what it must, for whom it must, and its scripts are sound.
func TestTheDebianPackage(t *testing.T) {
	deb := buildPackage(t)
	out, err := exec.Command("dpkg-deb", "-c", deb).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`-rwxr-xr-x root/root .* \./usr/bin/tollgate$`, `-rw-r----- root/root .* \./etc/tollgate/tollgate.yaml$`, `\./lib/systemd/system/tollgate.service$`,
		`\./usr/share/tollgate/kamailio/kamailio.cfg$`, `\./usr/share/doc/tollgate/README.md$`, `\./usr/share/doc/tollgate/handbook.md$`, `\./usr/share/man/man1/tollgate.1.gz$`} {
		if !regexp.MustCompile(`(?m)` + want).Match(out) {
			t.Errorf("the package has no %s:\n%s", want, out)
		}
	}
	for _, script := range []string{"postinst", "prerm", "postrm", "build", "dpkg-test"} {
		if out, err := exec.Command("sh", "-n", deployed("debian", script)).CombinedOutput(); err != nil {
			t.Errorf("%s: %s", script, out)
		}
	}
	if _, err := loadConfig(deployed("debian", "tollgate.yaml"), nil); err != nil {
		t.Error(err)
	}
}

// Installed, upgraded, removed and purged by the real dpkg in a layer over this machine's own Debian.
func TestTheLifeOfTheDebianPackage(t *testing.T) {
	t.Parallel()
	checkedBy(t, "dpkg")
	checkedBy(t, "unshare")
	if os.Geteuid() != 0 {
		t.Skip("needs root: it mounts a layer over the file system")
	}
	out, err := exec.CommandContext(t.Context(), deployed("debian", "dpkg-test"), buildPackage(t)).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "as they should be") {
		t.Errorf("%v\n%s", err, out)
	}
}

// The chapter on installing is made of commands that install-test runs: it finds them, and they are good shell.
func TestTheChapterOnInstallingIsRunnable(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, chapter, found := strings.Cut(string(text), "\n## Installing for real\n")
	chapter, _, end := strings.Cut(chapter, "\n### Behind a PBX\n")
	blocks := regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllStringSubmatch(chapter, -1)
	if !found || !end || len(blocks) < 4 {
		t.Fatalf("%d blocks of commands in the chapter", len(blocks))
	}
	all := ""
	for _, b := range blocks {
		all += b[1]
	}
	shell := exec.Command("bash", "-n")
	shell.Stdin = strings.NewReader(all)
	if out, err := shell.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for _, file := range regexp.MustCompile(`/usr/share/tollgate/(\S+)`).FindAllStringSubmatch(all, -1) {
		if _, err := os.Stat(deployed(file[1])); err != nil {
			t.Errorf("the chapter copies what is not packed: %v", err)
		}
	}
}

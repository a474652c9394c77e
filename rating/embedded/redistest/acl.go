package redistest

import (
	"os"
	"path/filepath"
	"strings"
)

// Keeper is a user of a server with an ACL who may do everything, without a password: what tests look with.
const Keeper = "keeper"

// ACL makes the server take its users from an ACL file that is shipped. The server's URL and clients are then those of user
// with password, which takes the place of the one in the file.
func ACL(file, user, password string) Option {
	return func(s *Server) {
		s.t.Helper()
		text, err := os.ReadFile(file)
		if err != nil {
			s.t.Fatal(err)
		}
		shipped, _, found := strings.Cut(string(text), "change-this-password")
		if !found {
			s.t.Fatalf("%s has no password to be changed", file)
		}
		rest := strings.TrimPrefix(string(text), shipped+"change-this-password")
		path := filepath.Join(s.Dir, "users.acl")
		if err := os.WriteFile(path, []byte(shipped+password+rest+"user "+Keeper+" on nopass ~* &* +@all\n"), 0o600); err != nil {
			s.t.Fatal(err)
		}
		s.user, s.password = user, password
		s.config = append(s.config, setting{"aclfile", path})
	}
}

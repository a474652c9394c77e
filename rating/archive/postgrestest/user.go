package postgrestest

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// giveUpRoot chooses the user postgres where we are root, and gives it the folder.
func (s *Server) giveUpRoot() error {
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return fmt.Errorf("PostgreSQL does not run as root, and the user postgres, which Debian's package makes, is not there: %w", err)
	}
	uid, badUID := strconv.ParseUint(u.Uid, 10, 32)
	gid, badGID := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(badUID, badGID); err != nil {
		return err
	}
	s.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	if s.kept != "" {
		if err := errors.Join(os.MkdirAll(s.kept, 0o700), os.Chown(s.kept, int(uid), int(gid))); err != nil {
			return err
		}
	}
	return os.Chown(s.dir, int(uid), int(gid))
}

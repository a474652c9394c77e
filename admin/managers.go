package admin

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"tollgate/rating"
)

// manager is the resource: a user beside the administrator. A password that was made here is shown once.
type manager struct {
	Username  string      `json:"username" doc:"Made here: bill- and three letters or digits." example:"bill-k3f"`
	Role      rating.Role `json:"role" enum:"manager,viewer" doc:"A viewer reads what a manager reads."`
	CreatedAt time.Time   `json:"created_at" doc:"When."`
	Password  string      `json:"password,omitempty" doc:"A random one, shown this once."`
}

func managerOf(u rating.User) manager {
	return manager{Username: u.Name, Role: u.Role, CreatedAt: u.CreatedAt.UTC()}
}

// mostUsers bounds what the administrator has to look after.
const mostUsers = 1000

// ManagerPath names a user.
type ManagerPath struct {
	Name string `path:"name" maxLength:"64" doc:"The user name." example:"bill-k3f"`
}

type managerQuery struct {
	Paging
	Sort string `query:"sort" default:"username" enum:"username,-username,role,-role,created_at,-created_at" doc:"Field to sort by; a minus turns the order around."`
	Q    string `query:"q" maxLength:"100" doc:"Part of the user name."`
}

var managerOrders = map[string]func(a, b manager) int{
	"username":   func(a, b manager) int { return cmp.Compare(a.Username, b.Username) },
	"role":       func(a, b manager) int { return cmp.Compare(a.Role, b.Role) },
	"created_at": func(a, b manager) int { return a.CreatedAt.Compare(b.CreatedAt) },
}

func (s *Server) listManagers(ctx context.Context, in *managerQuery) (*answer[list[manager]], error) {
	users, err := s.deps.Operators.Users(ctx)
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	var found []manager
	for _, u := range users {
		if u.Role != rating.Admin && contains(in.Q, u.Name) {
			found = append(found, managerOf(u))
		}
	}
	order(found, in.Sort, managerOrders, func(a, b manager) int { return cmp.Compare(a.Username, b.Username) })
	return listOf(in.Paging, cut(in.Paging, found), int64(len(found))), nil
}

type managerRequest struct {
	Body *struct {
		Role rating.Role `json:"role" required:"false" enum:"manager,viewer" default:"manager" doc:"What the user may do."`
	}
}

// createManager makes a user with a name and a password of our choice.
func (s *Server) createManager(ctx context.Context, in *managerRequest) (*answer[manager], error) {
	user := rating.User{Role: rating.Manager, CreatedAt: s.now().Truncate(time.Second)}
	if in.Body != nil {
		user.Role = cmp.Or(in.Body.Role, rating.Manager)
	}
	users, err := s.deps.Operators.Users(ctx)
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	if len(users) >= mostUsers {
		return nil, conflict.because(fmt.Sprintf("There are %d users already; delete some first.", len(users)))
	}
	password := newPassword()
	if user.PasswordHash, err = s.hasher.hash(ctx, password); err != nil {
		return nil, err
	}
	const tries = 20 // there are 32,768 names, and a thousand of them taken at most
	for range tries {
		user.Name = "bill-" + randomText(3)
		if err = s.deps.Operators.PutUser(ctx, user); !errors.Is(err, rating.ErrVersion) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("store user: %w", err)
	}
	trailFrom(ctx).tell("user "+user.Name, nil, managerOf(user))
	made := managerOf(user)
	made.Password = password
	return &answer[manager]{made}, nil
}

type managerPasswordRequest struct {
	ManagerPath
	Body *struct {
		Password string `json:"password" required:"false" maxLength:"1024" doc:"At least eight characters. Left out: a random one is made, and shown this once."`
	}
}

// putManagerPassword sets the password of a user, whose sessions end.
func (s *Server) putManagerPassword(ctx context.Context, in *managerPasswordRequest) (*answer[manager], error) {
	user, err := s.manager(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	shown, password := "", ""
	if in.Body != nil {
		password = in.Body.Password
	}
	if password == "" {
		shown = newPassword()
		password = shown
	}
	if err := checkPassword("password", password); err != nil {
		return nil, err
	}
	if user.PasswordHash, err = s.hasher.hash(ctx, password); err != nil {
		return nil, err
	}
	if err := s.deps.Operators.PutUser(ctx, user); err != nil {
		return nil, fmt.Errorf("store user: %w", err)
	}
	if err := s.deps.Operators.DeleteSessions(ctx, user.Name, ""); err != nil {
		return nil, fmt.Errorf("end sessions: %w", err)
	}
	trailFrom(ctx).tell("user "+user.Name, nil, passwordChanged)
	changed := managerOf(user)
	changed.Password = shown
	return &answer[manager]{changed}, nil
}

// deleteManager removes a user. The sessions end, and the tokens that the user has made.
func (s *Server) deleteManager(ctx context.Context, in *ManagerPath) (*struct{}, error) {
	user, err := s.manager(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	tokens, err := s.deps.Operators.Tokens(ctx)
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w", err)
	}
	for _, t := range slices.DeleteFunc(tokens, func(t rating.Token) bool { return t.CreatedBy != user.Name }) {
		if err := s.deps.Operators.DeleteToken(ctx, t.ID); err != nil && !errors.Is(err, rating.ErrNotFound) {
			return nil, fmt.Errorf("delete token: %w", err)
		}
	}
	if err := s.deps.Operators.DeleteUser(ctx, user.Name); err != nil {
		return nil, fmt.Errorf("delete user: %w", err)
	}
	trailFrom(ctx).tell("user "+user.Name, managerOf(user), nil)
	return nil, nil
}

// passwordChanged is what the audit log is told of a new password.
var passwordChanged = map[string]string{"password": "(changed)"}

// manager returns a user beside the administrator, who is none of these.
func (s *Server) manager(ctx context.Context, name string) (rating.User, error) {
	user, err := s.deps.Operators.User(ctx, name)
	if errors.Is(err, rating.ErrNotFound) || err == nil && user.Role == rating.Admin {
		return user, notFound.because("There is no billing manager " + name + ".")
	}
	if err != nil {
		return user, fmt.Errorf("read user: %w", err)
	}
	return user, nil
}

// newPassword returns a random password of 100 bits that can be read out and typed.
func newPassword() string { return randomText(20) }

// randomText returns n letters and digits, without those that look like another.
func randomText(n int) string {
	const letters = "abcdefghijkmnpqrstuvwxyz23456789" // 32 of them, so that none is likelier than another
	text := make([]byte, n)
	rand.Read(text) // never fails
	for i, b := range text {
		text[i] = letters[int(b)%len(letters)]
	}
	return string(text)
}

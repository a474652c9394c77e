package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tollgate/rating"
)

// Operators keeps who may log in. Unknown names and hashes are rating.ErrNotFound.
type Operators interface {
	User(ctx context.Context, name string) (rating.User, error)
	Users(ctx context.Context) ([]rating.User, error)
	PutUser(ctx context.Context, u rating.User) error
	DeleteUser(ctx context.Context, name string) error // ends the sessions too

	Session(ctx context.Context, hash string) (rating.Session, error)
	PutSession(ctx context.Context, s rating.Session) error
	DeleteSession(ctx context.Context, hash string) error
	DeleteSessions(ctx context.Context, username, exceptHash string) error

	Tokens
	TokenByHash(ctx context.Context, hash string) (rating.Token, error)
}

// A session ends after this time without a request, and after this time whatever happens.
const (
	sessionIdle     = 2 * time.Hour
	sessionLifetime = 12 * time.Hour
	sessionTouch    = time.Minute // how exactly the last request is kept
)

// AdminUser is the user that exists from the first start on.
const AdminUser = "admin"

// principal is who sends a request.
type principal struct {
	Name    string
	Role    rating.Role
	session string // hash of the session, "" for an API token
	key     string // hash of the session or of the API token
}

// identify finds who a secret belongs to. An unknown, expired or withdrawn one is unauthenticated.
func (s *Server) identify(ctx context.Context, secret string) (principal, error) {
	return s.holder(ctx, hashSecret(secret), true)
}

// mayStill is nil while who was let in would be let in again. A store that does not answer changes nothing; neither does
// the question: a session in which only a stream goes on is idle.
func (s *Server) mayStill(ctx context.Context, who principal, op *huma.Operation) error {
	now, err := s.holder(ctx, who.key, false)
	if err == nil {
		return s.entitled(now, op)
	}
	if errors.Is(err, unauthenticated) {
		return err
	}
	return nil
}

// holder finds who a session or token belongs to, by its hash. asks: it is used for a request.
func (s *Server) holder(ctx context.Context, hash string, asks bool) (principal, error) {
	now := s.now()
	session, err := s.deps.Operators.Session(ctx, hash)
	if err == nil {
		return s.resume(ctx, session, now, asks)
	}
	if !errors.Is(err, rating.ErrNotFound) {
		return principal{}, fmt.Errorf("read session: %w", err)
	}
	token, err := s.deps.Operators.TokenByHash(ctx, hash)
	if errors.Is(err, rating.ErrNotFound) || err == nil && token.Expired(now) {
		return principal{}, unauthenticated
	}
	if err != nil {
		return principal{}, fmt.Errorf("read token: %w", err)
	}
	return principal{Name: "token " + token.Name, Role: token.Role, key: hash}, nil
}

// resume checks that the session still holds, and that its user is still there: the role is the user's of today.
func (s *Server) resume(ctx context.Context, session rating.Session, now time.Time, asks bool) (principal, error) {
	if !now.Before(session.ExpiresAt) || now.Sub(session.SeenAt) > sessionIdle {
		return principal{}, unauthenticated
	}
	user, err := s.deps.Operators.User(ctx, session.Username)
	if errors.Is(err, rating.ErrNotFound) {
		return principal{}, unauthenticated
	}
	if err != nil {
		return principal{}, fmt.Errorf("read user: %w", err)
	}
	if session.Password != fingerprint(user.PasswordHash) { // changed since
		return principal{}, unauthenticated
	}
	if asks && now.Sub(session.SeenAt) >= sessionTouch {
		session.SeenAt = now
		err := s.deps.Operators.PutSession(ctx, session)
		if errors.Is(err, rating.ErrNotFound) { // ended by somebody else in this moment
			return principal{}, unauthenticated
		}
		if err != nil {
			return principal{}, fmt.Errorf("touch session: %w", err)
		}
	}
	return principal{Name: user.Name, Role: user.Role, session: session.Hash, key: session.Hash}, nil
}

type loginRequest struct {
	Body struct {
		Username string `json:"username" maxLength:"64" doc:"Who logs in." example:"admin"`
		Password string `json:"password" maxLength:"1024" doc:"The password."`
	}
}

type loginAnswer struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      struct {
		Token     string      `json:"token" doc:"Opaque; send it as Authorization: Bearer. Browsers get it as a cookie too."`
		Username  string      `json:"username" doc:"Who is logged in."`
		Role      rating.Role `json:"role" enum:"admin,manager,viewer" doc:"What the user may do."`
		ExpiresAt time.Time   `json:"expires_at" doc:"The session ends then at the latest, and earlier without requests."`
	}
}

// login answers an unknown user and a wrong password alike, in words and in time.
func (s *Server) login(ctx context.Context, in *loginRequest) (*loginAnswer, error) {
	address, name := addressFrom(ctx), in.Body.Username
	if err := s.admit(address, name); err != nil {
		s.slowedDown(ctx)
		return nil, err
	}
	user, err := s.deps.Operators.User(ctx, name)
	if err != nil && !errors.Is(err, rating.ErrNotFound) {
		return nil, fmt.Errorf("read user: %w", err)
	}
	hash := s.hasher.nobody()
	if err == nil {
		hash = user.PasswordHash
	}
	good, hashErr := s.hasher.matches(ctx, in.Body.Password, hash)
	if hashErr != nil {
		return nil, hashErr
	}
	if !good || err != nil {
		s.logInFailed(ctx, name, err == nil)
		return nil, unauthenticated.because("The user name or the password is wrong.")
	}
	s.throttle.succeeded(guesser(address), name)
	if user.Role != rating.Admin && s.expired() {
		s.log.Warn("log-in refused: the trial is over", "user", name, "address", address)
		return nil, licenseExpired
	}
	opened, err := s.openSession(ctx, user)
	if err == nil {
		s.note(context.WithValue(ctx, principalKey, principal{Name: user.Name, Role: user.Role}), actionLogIn, "user "+user.Name, nil)
	}
	return opened, err
}

// admit lets an attempt to log in pass, or says how long to wait.
func (s *Server) admit(address, user string) error {
	wait, ok := s.throttle.begin(guesser(address), user)
	if ok {
		return nil
	}
	p := *throttled
	p.header = http.Header{"Retry-After": {strconv.Itoa(int(wait/time.Second) + 1)}}
	return &p
}

func (s *Server) openSession(ctx context.Context, user rating.User) (*loginAnswer, error) {
	secret, now := newSecret(), s.now()
	session := rating.Session{Hash: hashSecret(secret), Username: user.Name, Password: fingerprint(user.PasswordHash), CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(sessionLifetime)}
	if err := s.deps.Operators.PutSession(ctx, session); err != nil {
		return nil, fmt.Errorf("store session: %w", err)
	}
	answer := &loginAnswer{SetCookie: s.cookie(ctx, secret, session.ExpiresAt)}
	answer.Body.Token, answer.Body.Username, answer.Body.Role, answer.Body.ExpiresAt = secret, user.Name, user.Role, session.ExpiresAt
	return answer, nil
}

// cookieName of the session. The prefix, possible under TLS only, forbids that another host or path sets it.
func (s *Server) cookieName() string {
	if s.config.TLS != nil {
		return "__Host-tollgate"
	}
	return "tollgate"
}

func (s *Server) cookie(ctx context.Context, value string, expires time.Time) http.Cookie {
	secure, _ := ctx.Value(overTLSKey).(bool)
	return http.Cookie{Name: s.cookieName(), Value: value, Path: "/", Expires: expires, HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode}
}

type logoutAnswer struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

// logout ends the session on the server; the cookie is only told to go.
func (s *Server) logout(ctx context.Context, _ *struct{}) (*logoutAnswer, error) {
	if who := principalFrom(ctx); who.session != "" {
		if err := s.deps.Operators.DeleteSession(ctx, who.session); err != nil {
			return nil, fmt.Errorf("delete session: %w", err)
		}
		s.note(ctx, actionLogOut, "user "+who.Name, nil)
	}
	gone := s.cookie(ctx, "", time.Unix(1, 0))
	gone.MaxAge = -1
	return &logoutAnswer{gone}, nil
}

// me is who the request comes from.
type me struct {
	Username string      `json:"username" doc:"Who is logged in; \"token NAME\" for an API token."`
	Role     rating.Role `json:"role" enum:"admin,manager,viewer" doc:"What the user may do."`
	License  licenseNow  `json:"license" doc:"Trial and licence, for a banner."`

	EphemeralStore bool `json:"ephemeral_store" doc:"Balances live in memory and do not survive a restart: for trying things out."`
}

func (s *Server) getMe(ctx context.Context, _ *struct{}) (*answer[me], error) {
	who := principalFrom(ctx)
	return &answer[me]{me{who.Name, who.Role, licenseNowOf(s.deps.License.State()), s.config.Ephemeral}}, nil
}

type passwordRequest struct {
	Body struct {
		OldPassword string `json:"old_password" maxLength:"1024" doc:"The password of today."`
		NewPassword string `json:"new_password" maxLength:"1024" doc:"At least eight characters."`
	}
}

// putPassword changes the own password and ends all other sessions of the user.
func (s *Server) putPassword(ctx context.Context, in *passwordRequest) (*answer[me], error) {
	who := principalFrom(ctx)
	if who.session == "" {
		return nil, forbidden.because("An API token has no password; log in as the user whose password is to change.")
	}
	if err := checkPassword("new_password", in.Body.NewPassword); err != nil {
		return nil, err
	}
	if err := s.admit(addressFrom(ctx), who.Name); err != nil {
		return nil, err
	}
	user, err := s.deps.Operators.User(ctx, who.Name)
	if err != nil {
		return nil, fmt.Errorf("read user: %w", err)
	}
	good, err := s.hasher.matches(ctx, in.Body.OldPassword, user.PasswordHash)
	if err != nil {
		return nil, err
	}
	if !good {
		s.note(ctx, actionPasswordWrong, "user "+who.Name, nil)
		return nil, invalid.with(fault{Location: "body.old_password", Message: "is not the password of today"})
	}
	s.throttle.succeeded(guesser(addressFrom(ctx)), who.Name)
	if user.PasswordHash, err = s.hasher.hash(ctx, in.Body.NewPassword); err != nil {
		return nil, err
	}
	if err := s.deps.Operators.PutUser(ctx, user); err != nil {
		return nil, fmt.Errorf("store user: %w", err)
	}
	trailFrom(ctx).tell("user "+user.Name, nil, passwordChanged)
	if err := s.keepSession(ctx, who.session, user); err != nil {
		return nil, err
	}
	if err := s.deps.Operators.DeleteSessions(ctx, user.Name, who.session); err != nil {
		return nil, fmt.Errorf("end other sessions: %w", err)
	}
	return s.getMe(ctx, nil)
}

// keepSession lets the session in which a password was changed go on with the new one.
func (s *Server) keepSession(ctx context.Context, hash string, user rating.User) error {
	session, err := s.deps.Operators.Session(ctx, hash)
	if err == nil {
		session.SeenAt, session.Password = s.now(), fingerprint(user.PasswordHash)
		err = s.deps.Operators.PutSession(ctx, session)
	}
	if err != nil && !errors.Is(err, rating.ErrNotFound) { // ended meanwhile: so be it
		return fmt.Errorf("keep the session: %w", err)
	}
	return nil
}

package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tollgate/rating"
)

// EnsureAdmin makes the user admin at the first start. With an empty password it makes a random one and returns it, to
// be printed once; where the user exists already nothing changes and nothing is returned.
func EnsureAdmin(ctx context.Context, operators Operators, password string) (generated string, err error) {
	_, err = operators.User(ctx, AdminUser)
	if err == nil {
		return "", nil
	}
	if !errors.Is(err, rating.ErrNotFound) {
		return "", fmt.Errorf("look for the user %s: %w", AdminUser, err)
	}
	if password == "" {
		generated = newSecret()[:20]
		password = generated
	}
	err = SetPassword(ctx, operators, AdminUser, password)
	if errors.Is(err, rating.ErrVersion) { // another node was first
		return "", nil
	}
	return generated, err
}

// SetPassword sets the password of a user and ends all sessions of that user. The user admin is made where it is
// missing; any other must exist (rating.ErrNotFound). A password that is too short is rating.Invalid.
func SetPassword(ctx context.Context, operators Operators, name, password string) error {
	if err := checkPassword("password", password); err != nil {
		return err
	}
	user, err := operators.User(ctx, name)
	if errors.Is(err, rating.ErrNotFound) && name == AdminUser {
		user, err = rating.User{Name: AdminUser, Role: rating.Admin, CreatedAt: time.Now().UTC()}, nil
	}
	if err != nil {
		return fmt.Errorf("read user %s: %w", name, err)
	}
	user.PasswordHash = usualCost.hash(password)
	if err := operators.PutUser(ctx, user); err != nil {
		return fmt.Errorf("store user %s: %w", name, err)
	}
	if err := operators.DeleteSessions(ctx, name, ""); err != nil {
		return fmt.Errorf("end the sessions of %s: %w", name, err)
	}
	return nil
}

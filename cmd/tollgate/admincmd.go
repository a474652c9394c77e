package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tollgate/admin"
	"tollgate/rating/catalog"
	"tollgate/rating/embedded"
)

func adminCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "admin", Short: "The administrator's password, and API tokens",
		Example: "  tollgate admin passwd -c tollgate.yaml\n  tollgate admin token create --name reporting --role viewer -c tollgate.yaml"}
	cmd.AddCommand(passwdCommand(), tokenCommand())
	return cmd
}

func passwdCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "passwd",
		Short: "Set a new password for the user admin, and end all its sessions",
		Long:  "Asks for the password twice; where input is no terminal it reads one line. Works beside serve and without it.",
		Example: "  tollgate admin passwd -c tollgate.yaml\n" +
			"  printf '%s\\n' \"$NEW\" | tollgate admin passwd -c tollgate.yaml",
		Args: cobra.NoArgs,
	}
	config := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		password, err := askPassword(os.Stdin, cmd.OutOrStdout())
		if err != nil {
			return err
		}
		return withCatalog(cmd.Context(), *config, func(c *catalog.Catalog) error {
			if err := admin.SetPassword(cmd.Context(), c, admin.AdminUser, password); err != nil {
				return err
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "The password of admin is changed; its sessions are ended.")
			return err
		})
	}
	return cmd
}

// withCatalog opens what operators edit for a tool, beside a running serve or without one.
func withCatalog(ctx context.Context, configFile string, use func(*catalog.Catalog) error) error {
	config, err := loadConfig(configFile, os.Environ())
	if err != nil {
		return err
	}
	dir, err := resolveDataDir(config.DataDir)
	if err != nil {
		return err
	}
	quiet, _ := newLogger(os.Stderr, LogConfig{Level: "error"})
	store, err := embedded.Attach(ctx, embedded.Options{Redis: config.Store.Redis, Ephemeral: config.Store.Ephemeral, DataDir: dir, Create: true, Log: quiet})
	if err != nil {
		return err
	}
	err = use(catalog.New(store.Client, nil, catalog.Options{Log: quiet}))
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), toolCloseTimeout)
	defer cancel()
	return errors.Join(err, store.Close(closing))
}

func askPassword(in *os.File, out io.Writer) (string, error) {
	if !term.IsTerminal(int(in.Fd())) {
		line, err := bufio.NewReader(io.LimitReader(in, 1024)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("read the password: %w", err)
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	var typed [2]string
	for i, prompt := range []string{"New password: ", "Once more: "} {
		fmt.Fprint(out, prompt)
		text, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(out)
		if err != nil {
			return "", fmt.Errorf("read the password: %w", err)
		}
		typed[i] = string(text)
	}
	if typed[0] != typed[1] {
		return "", errors.New("the two passwords differ; nothing is changed")
	}
	return typed[0], nil
}

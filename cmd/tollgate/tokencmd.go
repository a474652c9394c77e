package main

import (
	"cmp"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"tollgate/admin"
	"tollgate/rating"
	"tollgate/rating/catalog"
)

func tokenCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "token", Short: "API tokens, for programs",
		Example: "  tollgate admin token create --name reporting --role viewer -c tollgate.yaml\n  tollgate admin token list -c tollgate.yaml\n" +
			"  tollgate admin token revoke 3f0c9a5be1d27746 -c tollgate.yaml"}
	cmd.AddCommand(tokenCreateCommand(), tokenListCommand(), tokenRevokeCommand())
	return cmd
}

func tokenCreateCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "create", Short: "Make a token; standard output is the token and nothing else",
		Long:    "Makes an API token, which is shown this once: Authorization: Bearer TOKEN. Works beside serve and without it.",
		Example: "  TOKEN=$(tollgate admin token create --name reporting --role viewer --expires 8760h -c tollgate.yaml)", Args: cobra.NoArgs}
	config := configFlag(cmd)
	name := cmd.Flags().String("name", "", "what it is for")
	role := cmd.Flags().String("role", string(rating.Viewer), "admin, manager or viewer")
	expires := cmd.Flags().Duration("expires", 0, "how long it is valid, such as 720h; 0: for ever")
	_ = cmd.MarkFlagRequired("name")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		t := rating.Token{Name: *name, Role: rating.Role(*role), CreatedAt: time.Now().UTC(), CreatedBy: "command line"}
		if *expires < 0 {
			return errors.New("--expires must not be negative")
		}
		if *expires > 0 {
			end := t.CreatedAt.Add(*expires)
			t.ExpiresAt = &end
		}
		return withCatalog(cmd.Context(), *config, func(c *catalog.Catalog) error {
			made, secret, err := admin.CreateToken(cmd.Context(), c, t)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "The token %s (%s, %s) is shown this once:\n", made.ID, made.Name, made.Role)
			_, err = fmt.Fprintln(cmd.OutOrStdout(), secret)
			return err
		})
	}
	return cmd
}

func tokenListCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the tokens, without their secrets", Example: "  tollgate admin token list -c tollgate.yaml", Args: cobra.NoArgs}
	config := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return withCatalog(cmd.Context(), *config, func(c *catalog.Catalog) error {
			tokens, err := c.Tokens(cmd.Context())
			if err != nil {
				return err
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "ID\tNAME\tROLE\tCREATED\tBY\tEXPIRES")
			for _, t := range tokens {
				expires := "never"
				if t.ExpiresAt != nil {
					expires = t.ExpiresAt.UTC().Format(time.RFC3339)
				}
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.Name, t.Role, t.CreatedAt.UTC().Format(time.RFC3339), cmp.Or(t.CreatedBy, "-"), expires)
			}
			return table.Flush()
		})
	}
	return cmd
}

func tokenRevokeCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "revoke ID", Short: "Withdraw a token; it ends at once", Example: "  tollgate admin token revoke 3f0c9a5be1d27746 -c tollgate.yaml", Args: cobra.ExactArgs(1)}
	config := configFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return withCatalog(cmd.Context(), *config, func(c *catalog.Catalog) error {
			err := c.DeleteToken(cmd.Context(), args[0])
			if errors.Is(err, rating.ErrNotFound) {
				return fmt.Errorf("there is no token %s; tollgate admin token list shows them", args[0])
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "The token %s is withdrawn.\n", args[0])
			return err
		})
	}
	return cmd
}

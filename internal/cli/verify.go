package cli

import (
	"bytes"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub"
)

func verifyCommand() *cobra.Command {
	var at target
	var out output
	cmd := &cobra.Command{
		Use:   "verify CONNECTION_ID SIGNATURE",
		Short: "Check a signature of a connection id",
		Long: `Reports whether a value of ce-signature is that of a connection id: whether one of its
signatures, separated by commas, was made with the access key. Prints yes, or prints no
and exits with 1. SIGNATURE is - to read it from standard input, or @FILE.

` + keyHelp + `

--output json prints {"connectionId": "…", "valid": true}.`,
		Example: `  webpubsub sign "$CONNECTION" | webpubsub verify "$CONNECTION" -`,
		Args:    exactly(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := connectionID(cmd, args[0])
			if err != nil {
				return err
			}
			signature, err := readArgument(cmd, args[1], maxSigned)
			if err != nil {
				return usage("SIGNATURE: %w", err)
			}
			c, err := at.connection(cmd)
			if err != nil {
				return err
			}
			refused := webpubsub.VerifySignature(string(bytes.TrimSpace(signature)), id, c.AccessKey)
			result := struct {
				ConnectionID string `json:"connectionId"`
				Valid        bool   `json:"valid"`
			}{id, refused == nil}
			err = out.print(cmd.OutOrStdout(), result, func(w io.Writer) error {
				answer := "yes"
				if !result.Valid {
					answer = "no: not a signature of this connection id by the access key of " + c.Host()
				}
				_, err := fmt.Fprintln(w, answer)
				return err
			})
			if err == nil && !result.Valid {
				err = ErrNo
			}
			return err
		},
	}
	at.addKeyTo(cmd.Flags())
	out.addTo(cmd)
	return cmd
}

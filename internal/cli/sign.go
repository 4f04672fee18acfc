package cli

import (
	"bytes"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub"
)

// maxSigned is the number of bytes of the longest connection id or list of signatures.
const maxSigned = 4096

func signCommand() *cobra.Command {
	var at target
	var out output
	cmd := &cobra.Command{
		Use:   "sign CONNECTION_ID",
		Short: "Sign a connection id as the service does",
		Long: `Prints the signature of a connection id, as events have it in ce-signature: an
HMAC-SHA256 by the access key. Whoever has it can send any event of that connection.

` + keyHelp + `

--output json prints {"connectionId": "…", "signature": "sha256=…"}.`,
		Example: `  webpubsub sign "$CONNECTION"`,
		Args:    exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := connectionID(cmd, args[0])
			if err != nil {
				return err
			}
			c, err := at.connection(cmd)
			if err != nil {
				return err
			}
			result := struct {
				ConnectionID string `json:"connectionId"`
				Signature    string `json:"signature"`
			}{id, webpubsub.Sign(c.AccessKey, id)}
			return out.print(cmd.OutOrStdout(), result, func(w io.Writer) error {
				_, err := fmt.Fprintln(w, result.Signature)
				return err
			})
		},
	}
	at.addKeyTo(cmd.Flags())
	out.addTo(cmd)
	return cmd
}

// connectionID reads an argument.
func connectionID(cmd *cobra.Command, argument string) (string, error) {
	id, err := readArgument(cmd, argument, maxSigned)
	if id = bytes.TrimSpace(id); err == nil && len(id) == 0 {
		err = fmt.Errorf("is empty")
	}
	if err != nil {
		return "", usage("CONNECTION_ID: %w", err)
	}
	return string(id), nil
}

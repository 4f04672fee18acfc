package cli

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/go-webpubsub/webpubsub/internal/connstr"
	"github.com/go-webpubsub/webpubsub/service"
)

// Flags of a target. Each names the service, so that one of them is enough.
const (
	flagConnectionString     = "connection-string"
	flagConnectionStringFile = "connection-string-file"
	flagEndpoint             = "endpoint"
)

const maxConnectionString = 4096

// targetHelp is the part of a command's help about its target.
const targetHelp = `The service is that of a connection string, from WEBPUBSUB_CONNECTION_STRING,
--connection-string-file or --connection-string (other users of this machine can see
the arguments of a process). Or it is that of --endpoint, and you are who Entra ID
says: of AZURE_… variables, a managed identity, or "az login". Name one of them; flags have
precedence over the environment. Access keys and tokens are never printed.`

// keyHelp is the part of a command's help about its connection string.
const keyHelp = `The access key is that of a connection string, from WEBPUBSUB_CONNECTION_STRING,
--connection-string-file or --connection-string (other users of this machine can see the
arguments of a process).`

// target is the service and hub of a command, and as whom it is called. Commands that
// need one have its flags.
type target struct {
	hub                                              string
	connectionString, connectionStringFile, endpoint string
}

// addTo adds the flags.
func (t *target) addTo(flags *pflag.FlagSet) {
	flags.StringVar(&t.hub, "hub", "", "`name` of the hub")
	t.addServiceTo(flags)
}

// addServiceTo adds the flags without --hub.
func (t *target) addServiceTo(flags *pflag.FlagSet) {
	t.addKeyTo(flags)
	flags.StringVar(&t.endpoint, flagEndpoint, "", "`URL` of the service, to call it with Entra ID")
}

// addKeyTo adds the flags of a connection string only, for commands that need its key.
func (t *target) addKeyTo(flags *pflag.FlagSet) {
	flags.StringVar(&t.connectionString, flagConnectionString, "", "connection `string` of the service; better set WEBPUBSUB_CONNECTION_STRING")
	flags.StringVar(&t.connectionStringFile, flagConnectionStringFile, "", "`file` with the connection string, - for standard input")
}

// client returns a client for the hub.
func (t *target) client(cmd *cobra.Command, opts *service.Options) (*service.Client, error) {
	if t.hub == "" {
		return nil, usage("--hub is missing, want the name of a hub")
	}
	if err := checkHub(t.hub); err != nil {
		return nil, err
	}
	source, err := t.source(cmd)
	if err != nil {
		return nil, err
	}
	if source != flagEndpoint {
		c, err := t.parse(cmd, source)
		if err != nil {
			return nil, err
		}
		key, err := service.NewAccessKey(c.AccessKey)
		if err != nil {
			return nil, usage("%s: %w", t.where(cmd, source), err)
		}
		return service.NewClientWithKey(c.Endpoint.String(), t.hub, key, opts)
	}
	if _, err := connstr.ParseEndpoint(t.endpoint); err != nil {
		return nil, usage("%s: %w", t.where(cmd, source), err)
	}
	credential, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return nil, fmt.Errorf("credential of Entra ID: %w", err)
	}
	client, err := service.NewClient(t.endpoint, t.hub, credential, opts)
	if err != nil {
		return nil, usage("%s: %w", t.where(cmd, source), err)
	}
	return client, nil
}

// connection returns the connection string, for commands that need the access key
// itself. They have the flags of addKeyTo only.
func (t *target) connection(cmd *cobra.Command) (connstr.ConnectionString, error) {
	source, err := t.source(cmd)
	if err != nil {
		return connstr.ConnectionString{}, err
	}
	return t.parse(cmd, source)
}

// named reports whether a flag or the environment names a service.
func (t *target) named() bool {
	return t.connectionString != "" || t.connectionStringFile != "" || t.endpoint != ""
}

// source returns the flag that names the service. Flags of the command line have
// precedence over the environment. Of both, one is allowed.
func (t *target) source(cmd *cobra.Command) (flag string, err error) {
	var typed, set []string
	for _, name := range []string{flagConnectionString, flagConnectionStringFile, flagEndpoint} {
		switch f := cmd.Flags().Lookup(name); {
		case f == nil:
		case f.Changed:
			typed = append(typed, name)
		case f.Value.String() != "":
			set = append(set, name)
		}
	}
	given := typed
	if len(given) == 0 {
		given = set
	}
	switch len(given) {
	case 0:
		const missing = "no service, set WEBPUBSUB_CONNECTION_STRING (\"webpubsub emulator\" prints one)"
		if cmd.Flags().Lookup(flagEndpoint) == nil {
			return "", usage(missing)
		}
		return "", usage(missing + ", or --endpoint for Entra ID")
	case 1:
		return given[0], nil
	}
	names := make([]string, 0, len(given))
	for _, name := range given {
		names = append(names, t.where(cmd, name))
	}
	return "", usage("%s are set, want one of them", strings.Join(names, " and "))
}

// where returns the name of a flag, or of its variable if it was set there.
func (t *target) where(cmd *cobra.Command, flag string) string {
	if cmd.Flags().Changed(flag) {
		return "--" + flag
	}
	return variable(cmd, flag)
}

// parse returns the connection string of a flag.
func (t *target) parse(cmd *cobra.Command, flag string) (connstr.ConnectionString, error) {
	text := t.connectionString
	if flag == flagConnectionStringFile {
		data, err := readNamed(cmd, t.connectionStringFile, maxConnectionString)
		if err != nil {
			return connstr.ConnectionString{}, usage("%s: %w", t.where(cmd, flag), err)
		}
		text = string(bytes.TrimSpace(data))
	}
	c, err := connstr.Parse(text)
	if err == nil && c.AccessKey == "" {
		err = errors.New("connection string has no AccessKey")
		if cmd.Flags().Lookup(flagEndpoint) != nil {
			err = fmt.Errorf("%w; for Entra ID, use --endpoint %s", err, c.Endpoint)
		}
	}
	if err != nil {
		return connstr.ConnectionString{}, usage("%s: %w", t.where(cmd, flag), err)
	}
	return c, nil
}

package service_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/service"
	"github.com/go-webpubsub/webpubsub/service/filter"
)

// The examples are the Go blocks of docs/service.md. They run against an emulator.

// run starts an emulator for an example.
func run() (connectionString string, stop func()) {
	emu, err := emulator.New(emulator.Config{})
	if err != nil {
		log.Fatal(err)
	}
	srv := httptest.NewServer(emu)
	return emulator.ConnectionString(srv.URL, emulator.DefaultAccessKey), srv.Close
}

// runClient returns a client of an emulator, and a connection of ann in the lobby.
func runClient(ctx context.Context) (c *service.Client, connectionID string, stop func()) {
	connectionString, stopEmulator := run()
	c, err := service.NewClientFromConnectionString(connectionString, "chat", nil)
	if err != nil {
		log.Fatal(err)
	}
	access, err := c.ClientAccess(ctx, &service.ClientAccessOptions{UserID: "ann", Groups: []string{"lobby"}})
	if err != nil {
		log.Fatal(err)
	}
	conn, _, err := websocket.Dial(ctx, access.URL(), &websocket.DialOptions{Subprotocols: []string{"json.webpubsub.azure.v1"}})
	if err != nil {
		log.Fatal(err)
	}
	var connected struct{ ConnectionID string }
	if err := wsjson.Read(ctx, conn, &connected); err != nil {
		log.Fatal(err)
	}
	return c, connected.ConnectionID, func() {
		_ = conn.CloseNow()
		stopEmulator()
	}
}

func Example() {
	ctx := context.Background()
	connectionString, stop := run()

	c, err := service.NewClientFromConnectionString(connectionString, "chat", nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := c.All().SendText(ctx, "the doors are open", nil); err != nil {
		log.Fatal(err)
	}

	stop()
	// Output:
}

func ExampleNewClient() {
	credential, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		log.Fatal(err)
	}
	c, err := service.NewClient("https://contoso.webpubsub.azure.com", "chat", credential, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c)
	// Output: service.Client(https://contoso.webpubsub.azure.com, hub "chat")
}

func ExampleAccessKey_Replace() {
	var primaryKey, secondaryKey = "the primary key", "the secondary key"

	key, err := service.NewAccessKey(primaryKey)
	if err != nil {
		log.Fatal(err)
	}
	c, err := service.NewClientWithKey("https://contoso.webpubsub.azure.com", "chat", key, nil)
	if err != nil {
		log.Fatal(err)
	}
	// Later, before the primary key is regenerated:
	if err := key.Replace(secondaryKey); err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.Endpoint(), key)
	// Output: https://contoso.webpubsub.azure.com REDACTED
}

func ExampleSendOptions() {
	ctx := context.Background()
	c, connectionID, stop := runClient(ctx)

	err := errors.Join(
		c.User("ann").SendText(ctx, "hello, ann", nil),
		c.Connection(connectionID).SendBinary(ctx, []byte{1, 2, 3}, nil),
		c.Group("lobby").SendJSON(ctx, map[string]int{"visitors": 12}, &service.SendOptions{
			Excluded: []string{connectionID},
			Metadata: map[string]string{"trace": "7"},
			TTL:      time.Minute,
		}),
	)
	fmt.Println(err)

	stop()
	// Output: <nil>
}

func ExampleGroup() {
	ctx := context.Background()
	c, connectionID, stop := runClient(ctx)

	vip := c.Group("vip")
	if err := vip.AddUser(ctx, "ann"); err != nil { // or AddConnection
		log.Fatal(err)
	}
	for member, err := range vip.Connections(ctx, nil) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(member.UserID, member.ConnectionID == connectionID)
	}
	if err := vip.RemoveUser(ctx, "ann"); err != nil {
		log.Fatal(err)
	}
	online, err := c.User("ann").Exists(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(online)

	stop()
	// Output:
	// ann true
	// true
}

func ExampleConnection_Grant() {
	ctx := context.Background()
	c, connectionID, stop := runClient(ctx)

	conn := c.Connection(connectionID)
	if err := conn.Grant(ctx, service.SendToGroup, "lobby"); err != nil {
		log.Fatal(err)
	}
	may, err := conn.HasPermission(ctx, service.SendToGroup, "lobby")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(may)

	stop()
	// Output: true
}

func ExampleClient_ClientAccess() {
	ctx := context.Background()
	c, _, stop := runClient(ctx)

	access, err := c.ClientAccess(ctx, &service.ClientAccessOptions{
		UserID:   "ann",
		Groups:   []string{"lobby"},
		Roles:    []string{service.RoleSendToGroup("lobby")},
		Lifetime: 10 * time.Minute,
	})
	if err != nil {
		log.Fatal(err)
	}
	target := access.URL() // send it to this client only: it contains the token
	_ = target

	stop()
	// Output:
}

func ExampleClient_AddToGroups() {
	ctx := context.Background()
	c, _, stop := runClient(ctx)

	f := filter.And(filter.UserID().Ne("o'brien"), filter.InGroup("lobby"))
	fmt.Println(f)
	if err := c.AddToGroups(ctx, []string{"eu/guests"}, f); err != nil {
		log.Fatal(err)
	}
	if err := c.All().SendText(ctx, "welcome", &service.SendOptions{Filter: f}); err != nil {
		log.Fatal(err)
	}

	stop()
	// Output: userId ne 'o''brien' and 'lobby' in groups
}

func ExampleError() {
	ctx := context.Background()
	c, _, stop := runClient(ctx)

	err := c.Group("vip").AddUser(ctx, "bob")
	var failed *service.Error
	switch {
	case errors.Is(err, service.ErrNotFound):
		fmt.Println("bob is not connected")
	case errors.As(err, &failed):
		fmt.Println(failed.StatusCode, failed.Code, failed.Hint)
	}

	stop()
	// Output: bob is not connected
}

func ExampleOptions() {
	opts := &service.Options{RetrySends: true}
	opts.Retry.MaxRetries = 5
	opts.Retry.TryTimeout = 10 * time.Second
	c, err := service.NewClientFromConnectionString("Endpoint=https://contoso.webpubsub.azure.com;AccessKey=a2V5", "chat", opts)
	fmt.Println(c, err)
	// Output: service.Client(https://contoso.webpubsub.azure.com, hub "chat") <nil>
}

// announce is the code under test in docs/service.md.
func announce(ctx context.Context, c *service.Client, text string) error {
	return c.Group("lobby").SendText(ctx, text, nil)
}

func TestAnnounce(t *testing.T) {
	t.Parallel()
	emu := emulator.Start(t, emulator.Config{})
	c, err := service.NewClientFromConnectionString(emu.ConnectionString, "chat", nil)
	require.NoError(t, err)

	access, err := c.ClientAccess(t.Context(), &service.ClientAccessOptions{Groups: []string{"lobby"}})
	require.NoError(t, err)
	conn, _, err := websocket.Dial(t.Context(), access.URL(), nil)
	require.NoError(t, err)
	defer func() { _ = conn.CloseNow() }()

	require.NoError(t, announce(t.Context(), c, "the doors are open"))
	_, text, err := conn.Read(t.Context())
	require.NoError(t, err)
	require.Equal(t, "the doors are open", string(text))
}

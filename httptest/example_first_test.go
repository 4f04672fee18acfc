package httptest_test

import (
	"context"
	"fmt"
	"log"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/httptest"
)

// Each client has a connection of its own, with the user and the state that the handler
// sets.
func ExampleService_Connect() {
	h, err := newChat()
	if err != nil {
		log.Fatal(err)
	}
	svc := httptest.New(h, nil)
	conn, err := svc.Connect(context.Background(), &httptest.Client{Query: map[string][]string{"ticket": {"blue"}}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(conn.UserID, conn.Groups)
	// Output: ann [lobby]
}

// A refusal is an error with the status of the answer.
func ExampleStatusOf() {
	h, err := newChat()
	if err != nil {
		log.Fatal(err)
	}
	_, err = httptest.New(h, nil).Connect(context.Background(), nil)
	fmt.Println(httptest.StatusOf(err))
	// Output: 401
}

// The answer of a typed function.
func ExampleConn_SendJSON() {
	type sum struct{ A, B int }
	h, err := webpubsub.NewHandler(webpubsub.Config{
		ConnectionStrings: []string{httptest.ConnectionString},
		Logger:            quiet(),
		UserEvents: map[string]webpubsub.UserEventFunc{
			"add": webpubsub.JSON(func(_ context.Context, _ *webpubsub.UserEvent, in sum) (int, error) { return in.A + in.B, nil }),
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	conn, err := httptest.New(h, nil).Connect(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	answer, err := conn.SendJSON(ctx, "add", sum{1, 2})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Text())
	// Output: 3
}

package main

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/httptest"
)

func TestBid(t *testing.T) {
	var announced []Price
	auction := NewAuction(func(_ context.Context, p Price) error {
		announced = append(announced, p)
		return nil
	}, "clock")
	handler, err := webpubsub.NewHandler(auction.Config(httptest.ConnectionString))
	require.NoError(t, err)
	svc := httptest.New(handler, &httptest.Options{Hub: hub})

	ann, err := svc.Connect(t.Context(), &httptest.Client{UserID: "ann", Query: url.Values{"lot": {"clock"}}})
	require.NoError(t, err)
	assert.Equal(t, []string{"clock"}, ann.Groups)

	for _, tt := range []struct {
		amount int
		want   string
	}{
		{12, `{"lot":"clock","amount":12,"bidder":"ann"}`},
		{12, `{"error":{"status":409,"message":"the price is already 12"}}`},
		{0, `{"error":{"status":400,"message":"payload is not valid: amount: min=1"}}`},
	} {
		answer, err := ann.SendJSON(t.Context(), "bid", Bid{Amount: tt.amount})
		require.NoError(t, err)
		assert.JSONEq(t, tt.want, answer.Text())
	}
	assert.Equal(t, []Price{{Lot: "clock", Amount: 12, Bidder: "ann"}}, announced)
}

func TestNoSuchLot(t *testing.T) {
	handler, err := webpubsub.NewHandler(NewAuction(nil).Config(httptest.ConnectionString))
	require.NoError(t, err)
	svc := httptest.New(handler, &httptest.Options{Hub: hub})
	_, err = svc.Connect(t.Context(), &httptest.Client{UserID: "ann", Query: url.Values{"lot": {"clock"}}})
	assert.Equal(t, http.StatusNotFound, httptest.StatusOf(err))
}

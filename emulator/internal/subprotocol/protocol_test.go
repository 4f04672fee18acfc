package subprotocol_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/emulator/internal/subprotocol"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

func TestChoose(t *testing.T) {
	t.Parallel()
	raw := subprotocol.Raw{Group: "g"}
	resumable := func(name string) bool {
		return subprotocol.Choose(name, raw).Output().Delivery.Resumable()
	}
	assert.True(t, resumable(wire.SubprotocolJSONReliable))
	assert.False(t, resumable(wire.SubprotocolJSON))
	assert.Equal(t, raw, subprotocol.Choose("own", raw))
	assert.Equal(t, raw, subprotocol.Choose("", raw))
}

func TestFirst(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "JSON.reliable.webpubsub.azure.v1", subprotocol.First([]string{"own", "", "JSON.reliable.webpubsub.azure.v1", wire.SubprotocolJSON}))
	assert.Empty(t, subprotocol.First([]string{"own"}))
	assert.Empty(t, subprotocol.First(nil))
}

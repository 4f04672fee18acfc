package rest_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestPermissionsIgnoreCase checks the only names in paths, beside hubs, without case.
func TestPermissionsIgnoreCase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const q = "?" + version + "&targetName=p"
	w.steps(t,
		call{"PUT", "permissions/SENDTOGROUP/connections/{ann}" + q, "", "", 200},
		call{"HEAD", "permissions/sendToGroup/connections/{ann}" + q, "", "", 200},
		call{"HEAD", "permissions/joinleavegroup/connections/{ann}" + q, "", "", 404},
		call{"DELETE", "permissions/SendToGroup/connections/{ann}" + q, "", "", 204},
		call{"HEAD", "permissions/sendToGroup/connections/{ann}" + q, "", "", 404},
	)
}

// TestPermissionLimit checks that a connection has at most 1,000 permissions for
// single groups, and that a call beyond the limit changes nothing.
func TestPermissionLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := func(i int) string {
		return "permissions/sendToGroup/connections/{ann}?" + version + "&targetName=" + strconv.Itoa(i)
	}
	for i := range 1000 {
		w.steps(t, call{"PUT", path(i), "", "", 200})
	}
	last := w.steps(t, call{"PUT", path(0), "", "", 200}, call{"PUT", path(1000), "", "", 409})
	assert.Equal(t, "Error.Connection.Conflict", last.failure(t, w.path("Connection `{ann}` has 1000 permissions for single groups, the maximum."), "Connection"))
	w.steps(t,
		call{"HEAD", path(1000), "", "", 404},
		call{"DELETE", path(1), "", "", 204},
		call{"PUT", path(1000), "", "", 200},
		call{"HEAD", path(1000), "", "", 200},
	)
}

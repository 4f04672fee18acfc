// Package presencetest tests implementations of [presence.Store].
//
//	func TestStore(t *testing.T) {
//		server := startServer(t) // with a clock that the test moves
//		a, b := NewStore(server.Addr), NewStore(server.Addr)
//		if err := presencetest.TestStore(t.Context(), server.Advance, a, b); err != nil {
//			t.Error(err)
//		}
//	}
package presencetest

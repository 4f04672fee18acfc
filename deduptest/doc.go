// Package deduptest tests implementations of [webpubsub.DeduplicationStore].
//
//	func TestStore(t *testing.T) {
//		server := startServer(t) // with a clock that the test moves
//		a, b := NewStore(server.Addr), NewStore(server.Addr)
//		if err := deduptest.TestStore(t.Context(), server.Advance, a, b); err != nil {
//			t.Error(err)
//		}
//	}
package deduptest

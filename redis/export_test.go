package redis

// NewPresenceStoreWithClock returns a store whose clock is a script in place of clock.lua.
func NewPresenceStoreWithClock(cfg Config, clock string) (*PresenceStore, error) {
	return newPresenceStore(cfg, clock)
}

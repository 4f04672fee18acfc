package entra

// Accepted returns how many tokens are remembered.
func (v *Verifier) Accepted() int { return len(*v.accepted.current.Load()) }

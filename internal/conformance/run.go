package conformance

import "fmt"

// Status is the result of a check.
type Status string

// The results of checks.
const (
	Passed Status = "passed"
	Warned Status = "warned"
	Failed Status = "failed"
	// Untried is the result of a check that was not run; see [Result.Because].
	Untried Status = "untried"
)

// Result is a check with what a handler made of it.
type Result struct {
	Check
	Status Status
	// Problems are the requests that the handler answered wrongly, with its answers.
	Problems []string
	// Cause is the likely cause of the problems; nil if it is not known.
	Cause *Cause
	// Because is the id of the failed check for which an untried check was not run, or
	// empty.
	Because string
	// Why says why an untried check was not run if none failed before it.
	Why string
}

// Remedy returns the remedy of the cause, or that of the check.
func (r *Result) Remedy() string {
	if r.Cause != nil {
		return r.Cause.Remedy
	}
	return r.Check.Remedy
}

// Run runs all checks in order and reports each result. It leaves out those of tokens if
// the target has no Identity. It returns an error if the context of a request ends or a
// request cannot be made.
func Run(target Target, report func(Result)) error {
	r := run{target: target, roots: make(map[string]string)}
	var err error
	if r.proof, err = proofOf(target); err != nil {
		return err
	}
	for _, c := range Checks(target.Identity != nil) {
		result, err := r.check(c)
		if err != nil {
			return fmt.Errorf("check %s: %w", c.ID, err)
		}
		report(result)
	}
	return nil
}

// run is the state of a run.
type run struct {
	target Target
	proof  proof
	// roots maps each check that failed or was not tried to the check that failed first.
	roots map[string]string
	seen  []exchange
}

// exchange describes a request of any check, with its answer.
type exchange struct {
	what   string
	event  string // its name; empty for validation
	valid  bool   // whether the service could have sent the request
	answer *Answer
}

func (r *run) check(c Check) (Result, error) {
	for _, need := range c.needs {
		if root, failed := r.roots[need]; failed {
			r.roots[c.ID] = root
			return Result{Check: c, Status: Untried, Because: root}, nil
		}
	}
	if c.except != nil {
		if why := c.except(&r.target); why != "" {
			return Result{Check: c, Status: Untried, Why: why}, nil
		}
	}
	p := &probe{run: r}
	c.run(p)
	result := Result{Check: c, Status: Passed, Problems: p.problems, Cause: p.cause}
	switch {
	case len(p.problems) == 0:
		result.Cause = nil
	case c.Warning || p.onlyWarned:
		result.Status = Warned
	default:
		result.Status = Failed
		r.roots[c.ID] = c.ID
	}
	return result, p.err
}

package conformance

import "slices"

// Step is a group of checks.
type Step string

// The steps, in their order.
const (
	StepReach      Step = "reach"
	StepValidation Step = "validation"
	StepEvents     Step = "events"
	StepSecurity   Step = "security"
	StepAnswers    Step = "answers"
)

// Check is one rule.
type Check struct {
	// ID names the check in tests and in output for programs.
	ID string
	// Step is the group of the check.
	Step Step
	// Rule is the behaviour that the protocol requires of a handler.
	Rule string
	// Reason is the reason for the rule.
	Reason string
	// Remedy is what to do if a handler breaks the rule, unless a [Cause] is known.
	Remedy string
	// Warning means that the service works with a handler that breaks the rule.
	Warning bool

	// needs are the ids of the checks without which this one would fail, too, or prove
	// nothing.
	needs []string
	// except returns why the check is not run on a target, or "" if it is; nil if it
	// always is.
	except func(*Target) string
	run    func(*probe)
}

// Checks returns the checks in the order in which [Run] runs them: a check comes
// after those that it needs. Those of tokens are for a [Target] with an Identity.
func Checks(tokens bool) []Check {
	security := slices.Concat(badSignatureChecks(), badOriginChecks(), strangerChecks())
	if tokens {
		security = append(security, tokenChecks()...)
	}
	return slices.Concat(
		reachChecks(),
		in(StepValidation, "options-consent", validationChecks()),
		in(StepEvents, "signed", slices.Concat(goodSignatureChecks(), requestChecks(), notificationChecks())),
		in(StepSecurity, "signed", security),
		in(StepAnswers, "signed", slices.Concat(answerChecks(), allAnswerChecks())),
	)
}

// in returns the checks with their step, and with what they need unless they say so
// themselves.
func in(step Step, needs string, checks []Check) []Check {
	for i := range checks {
		checks[i].Step = step
		if checks[i].needs == nil {
			checks[i].needs = []string{needs}
		}
	}
	return checks
}

package odata_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/odata"
)

func user(id string) *string { return &id }

var ann = odata.Subject{ConnectionID: "c1", UserID: user("ann"), Groups: []string{"g1", "o'brien"}, Protocol: "json.webpubsub.azure.v1"}

func TestMatch(t *testing.T) {
	t.Parallel()
	anonymous := odata.Subject{ConnectionID: "c2"}
	for _, tc := range []struct {
		filter  string
		subject odata.Subject
		want    bool
	}{
		{"", anonymous, true},
		{"true", anonymous, true},
		{"false", ann, false},
		{"userId eq 'ann'", ann, true},
		{"USERID eq 'ann'", ann, true},
		{"userId eq 'Ann'", ann, false},
		{"userId ne 'ann'", anonymous, true},
		{"userId eq null", anonymous, true},
		{"protocol eq 'json.webpubsub.azure.v1'", ann, true},
		{"PROTOCOL eq null", anonymous, true},
		{"null eq null", anonymous, true},
		{"userId eq 1", ann, false},
		{"connectionId eq 'c1'", ann, true},
		{"userId in ('u1','ann') and 'g1' in groups", ann, true},
		{"userId in ('u1',,'ann',)", ann, true},
		{"userId in ()", ann, false},
		{"'o''brien' in groups", ann, true},
		{"'g1' in (groups)", ann, true},
		{"userId in groups", anonymous, false},
		{"not ('g1' in groups)", ann, false},
		{"not true or true", ann, true},
		{"true or true and false", ann, true},
		{"(true or true) and false", ann, false},
		{"length(userId) gt 2", ann, true},
		{"length(userId) gt 2", anonymous, false},
		{"not (length(userId) gt 5)", anonymous, true},
		{"length(groups) eq 2", ann, true},
		{"length('𝄞') eq 2", ann, true},
		{"1 le 1 and 1 ge 1 and -1 lt +1", ann, true},
		{"startswith(userId,'a')", ann, true},
		{"startswith(userId,'a')", anonymous, false},
		{"endswith(userId,'nn') and contains(userId,'n')", ann, true},
		{"indexof(userId,'n') eq 1", ann, true},
		{"indexof('𝄞x','x') eq 2", ann, true},
		{"indexof(null,'n') eq -1", ann, true},
		{"tolower('ANN') eq userId", ann, true},
		{"toupper(userId) eq 'ANN'", ann, true},
		{"trim('  ann ') eq userId", ann, true},
		{"concat(userId,'x') eq 'annx'", ann, true},
		{"concat(null,'x') eq 'x'", ann, true},
		{"concat(null,null) eq null", ann, true},
		{"substring(userId,1) eq 'nn'", ann, true},
		{"substring(userId,0,2) eq 'an'", ann, true},
		{"substring(userId,4) eq null", ann, true},
		{"substring(userId,-1) eq null", ann, true},
		{"substring(userId,1,5) eq null", ann, true},
		{"substring(userId,1,2147483647) eq null", ann, true},
		{"substring(userId,-2147483648) eq null", ann, true},
		{"substring(userId,2147483647,2147483647) eq null", ann, true},
	} {
		t.Run(tc.filter, func(t *testing.T) {
			t.Parallel()
			f, err := odata.Parse(tc.filter)
			require.NoError(t, err)
			assert.Equal(t, tc.want, f.Match(tc.subject))
		})
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for filter, want := range map[string]string{
		"userId":                  "invalid syntax for 'userId': type 'string', expect 'bool'",
		"1":                       "invalid syntax for '1': type 'int', expect 'bool'",
		"groups":                  "invalid syntax for 'groups': type 'collection', expect 'bool'",
		"'a' gt 'b'":              "invalid syntax for ''a' gt 'b'': type 'string', expect 'int'",
		"not length('x') gt 5":    "invalid syntax for 'not length('x') gt 5': type 'int', expect 'bool'",
		"true or 1":               "invalid syntax for 'true or 1': type 'int', expect 'bool'",
		"groups eq 'a'":           "invalid syntax for 'groups eq 'a'': type 'collection', expect 'single value'",
		"userId eq 'a":            "invalid syntax for 'userId eq 'a': string at offset 10 is not terminated",
		"userId eq 'a' )":         "invalid syntax for 'userId eq 'a' )': syntax error at position 15 in 'userId eq 'a' )'",
		"(true":                   "invalid syntax for '(true': end of filter at offset 5, expect ')'",
		"true and":                "invalid syntax for 'true and': end of filter at offset 8, expect an operand",
		"name eq 'a'":             "invalid syntax for 'name eq 'a'': token 'name' at offset 0 is not supported",
		"Length('a') eq 1":        "invalid syntax for 'Length('a') eq 1': function 'Length' at offset 0 is not supported",
		"length() eq 1":           "invalid syntax for 'length() eq 1': function 'length' at offset 0 has 0 arguments, want 1 to 1",
		"substring('a') eq 'a'":   "invalid syntax for 'substring('a') eq 'a'': function 'substring' at offset 0 has 1 arguments, want 2 to 3",
		"length(1) eq 1":          "invalid syntax for 'length(1) eq 1': function 'length': type 'int', expect 'string or collection'",
		"1 eq 2147483648":         "invalid syntax for '1 eq 2147483648': \"2147483648\" at offset 5 is not a 32-bit integer",
		"1 eq 1.5":                "invalid syntax for '1 eq 1.5': \"1\" at offset 5 is not a 32-bit integer",
		"userId eq \"a\"":         "invalid syntax for 'userId eq \"a\"': character \"\\\"\" at offset 10 is not supported",
		"userId gt 0":             "invalid syntax for 'userId gt 0': type 'string', expect 'int'",
		"1 in ('a',groups)":       "invalid syntax for '1 in ('a',groups)': type 'collection', expect 'single value'",
		"1 in groups":             "invalid syntax for '1 in groups': type 'int', expect 'string'",
		"userId in ('a' 'b')":     "invalid syntax for 'userId in ('a' 'b')': 'b' at offset 15, expect ',' or ')'",
		"userId eq 'a' eq true":   "invalid syntax for 'userId eq 'a' eq true': syntax error at position 16 in 'userId eq 'a' eq true'",
		"invalid filter":          "invalid syntax for 'invalid filter': syntax error at position 14 in 'invalid filter'",
		"  ":                      "invalid syntax for '  ': end of filter at offset 2, expect an operand",
		"true and name":           "invalid syntax for 'true and name': token 'name' at offset 9 is not supported",
		"name in ('a')":           "invalid syntax for 'name in ('a')': token 'name' at offset 0 is not supported",
		"'a' in (groups, name)":   "invalid syntax for ''a' in (groups, name)': type 'collection', expect 'single value'",
		"tolower(name) eq 'a'":    "invalid syntax for 'tolower(name) eq 'a'': function 'tolower': token 'name' at offset 8 is not supported",
		"contains(userId 'a')":    "invalid syntax for 'contains(userId 'a')': 'a' at offset 16, expect ',' or ')'",
		"startswith(userId,('a')": "invalid syntax for 'startswith(userId,('a')': end of filter at offset 23, expect ',' or ')'",
	} {
		t.Run(filter, func(t *testing.T) {
			t.Parallel()
			_, err := odata.Parse(filter)
			require.EqualError(t, err, want)
		})
	}
}

// TestPosition checks the texts and positions for the author of a filter.
func TestPosition(t *testing.T) {
	t.Parallel()
	for filter, want := range map[string]struct {
		offset int
		reason string
	}{
		"userId eqq 'a'":          {7, "unexpected 'eqq', want an operator (and, or, eq, ne, gt, ge, lt, le, in) or the end"},
		"userId eq 'a":            {10, "the string does not end, want a single quote after it; a quote in it is doubled"},
		"userId eq \"a\"":         {10, `unexpected character "\"", want single quotes around a string`},
		"userId eq #":             {10, `unexpected character "#"`},
		"userId eq ü":             {10, `unexpected character "ü"`},
		"true and name eq 'a'":    {9, "unknown property 'name', want connectionId, userId, groups or protocol"},
		"true and":                {8, "unexpected end of filter, want an operand"},
		"true or Length('a') eq":  {8, "unknown function 'Length', want one of concat, contains, endswith, indexof, length, startswith, substring, tolower, toupper, trim"},
		"true and userId":         {9, "this has the type string, want bool"},
		"true and (userId)":       {10, "this has the type string, want bool"},
		"not userId":              {4, "this has the type string, want bool"},
		"true and not (1 gt 'a')": {19, "this has the type string, want int"},
		"true and 1 in groups":    {9, "this has the type int, want string"},
		"1 in ('a', groups)":      {11, "this has the type collection, want single value"},
		"tolower(1) eq 'a'":       {8, "this has the type int, want string"},
		"substring('a') eq 'a'":   {0, "function 'substring' at offset 0 has 1 arguments, want 2 to 3"},
		"1 eq 2147483648":         {5, "\"2147483648\" at offset 5 is not a 32-bit integer"},
		"true and (1 eq 1) eq 2 and tolower(null) gt 1": {27, "this has the type string, want int"},
	} {
		t.Run(filter, func(t *testing.T) {
			t.Parallel()
			_, err := odata.Parse(filter)
			var mistake *odata.Error
			require.ErrorAs(t, err, &mistake)
			assert.Equal(t, want.offset, mistake.Offset)
			assert.Equal(t, want.reason, mistake.Reason)
		})
	}
}

func TestParseLimits(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]string{"parentheses": "(", "not": "not ", "calls": "tolower(", "lists": "1 in ("} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := odata.Parse(strings.Repeat(open, 101) + "true")
			require.ErrorContains(t, err, "nested more than 100 deep")
		})
	}
	_, err := odata.Parse(strings.Repeat("true and ", 5000) + "true")
	require.NoError(t, err, "a long filter is not deep")
	_, err = odata.Parse(strings.Repeat(" ", 64<<10) + "true")
	require.ErrorContains(t, err, "want at most 65536")
}

// FuzzFilter checks the laws of logic: in parentheses, and beside neutral operands, a
// filter matches the same connections.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{"", "userId eq 'o''brien'", "not ('g1' in groups) and length(userId) gt 3", "substring(userId,1,2) in ('a',,concat(null,'b'))", "indexof(trim(toupper(userId)),'N') le -1 or startswith(connectionId,tolower('C'))", "((((true))))", "1 in (groups)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		filter, err := odata.Parse(s)
		if err != nil {
			require.Nil(t, filter)
			return
		}
		same := []string{"(%s)", "not (not (%s))", "true and (%s)", "(%s) or false", "false or %s", "%s or false", "(%s) eq true", "(%s) and (%[1]s)", "(%s) in (true)"}
		other := []string{"not (%s)", "(%s) eq false", "(%s) ne true"}
		for i, form := range append(same, other...) {
			if strings.TrimSpace(s) == "" {
				break // no operand
			}
			changed, err := odata.Parse(fmt.Sprintf(form, s))
			if err != nil { // too long, or nested too deep, after the change
				require.Regexp(t, "nested more than|want at most", err.Error(), form)
				continue
			}
			for _, subject := range []odata.Subject{{}, ann, {ConnectionID: "\xff", UserID: user("𝄞"), Groups: []string{""}}} {
				require.Equal(t, filter.Match(subject) == (i < len(same)), changed.Match(subject), "filter %q in %s", s, form)
			}
		}
	})
}

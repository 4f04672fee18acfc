package scenario

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/cli/similar"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

// connectionVariable is the variable with the id of a step's connection.
const connectionVariable = "connection"

// carried holds the values that earlier steps have saved, by name.
type carried map[string]string

// reference matches ${name} in a text, and $${, which stands for ${ itself.
var reference = regexp.MustCompile(`\$\$\{|\$\{([^}]*)\}`)

func isVariable(name string) bool {
	return name != connectionVariable && regexp.MustCompile(`^\w+$`).MatchString(name)
}

// expand returns a copy of a step in whose texts each ${name} is replaced.
func expand(s *step, values carried) (*step, error) {
	var first error
	replace := func(text string) string {
		return reference.ReplaceAllStringFunc(text, func(found string) string {
			if found == "$${" {
				return "${"
			}
			name := found[2 : len(found)-1]
			value, ok := values[name]
			if !ok && first == nil {
				first = fmt.Errorf("${%s} is not saved by an earlier step", excerpt.Short(name))
				if meant := similar.Name(name, slices.Sorted(maps.Keys(values))); meant != "" {
					first = fmt.Errorf("%w, did you mean ${%s}?", first, meant)
				}
			}
			return value
		})
	}
	out := rewrite(reflect.ValueOf(*s), replace).Interface().(step)
	return &out, first
}

// rewrite returns a copy of a value in which all texts but the names of mappings are
// replaced.
func rewrite(v reflect.Value, replace func(string) string) reflect.Value {
	switch v.Kind() {
	case reflect.String:
		out := reflect.New(v.Type()).Elem()
		out.SetString(replace(v.String()))
		return out
	case reflect.Interface:
		if v.IsNil() {
			return v
		}
		return rewrite(v.Elem(), replace)
	case reflect.Struct:
		out := reflect.New(v.Type()).Elem()
		out.Set(v)
		for i := range v.NumField() {
			if field := out.Field(i); field.CanSet() { // the decoder may return a time, whose fields are private
				field.Set(rewrite(v.Field(i), replace))
			}
		}
		return out
	case reflect.Slice:
		if v.IsNil() {
			return v
		}
		out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			out.Index(i).Set(rewrite(v.Index(i), replace))
		}
		return out
	case reflect.Map:
		if v.IsNil() {
			return v
		}
		out := reflect.MakeMapWithSize(v.Type(), v.Len())
		for key, element := range v.Seq2() {
			out.SetMapIndex(key, rewrite(element, replace))
		}
		return out
	default:
		return v
	}
}

func isPointer(p string) bool { return p == "" || strings.HasPrefix(p, "/") }

// at returns the value in JSON to which a JSON pointer (RFC 6901) leads, as text: a JSON
// text itself, other values in JSON.
func at(data []byte, pointer string) (string, error) {
	v, err := decode(data)
	if err != nil {
		return "", fmt.Errorf("the reply is not JSON: %w", err)
	}
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	for _, name := range strings.Split(pointer, "/")[1:] {
		next, ok := member(v, unescape.Replace(name))
		if !ok {
			return "", fmt.Errorf("the reply has nothing at %s", excerpt.Name(pointer))
		}
		v = next
	}
	if text, ok := v.(string); ok {
		return text, nil
	}
	out, err := json.Marshal(v)
	return string(out), err
}

func member(v any, name string) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		element, ok := v[name]
		return element, ok
	case []any:
		i, err := strconv.Atoi(name)
		if err != nil || i < 0 || i >= len(v) {
			return nil, false
		}
		return v[i], true
	}
	return nil, false
}

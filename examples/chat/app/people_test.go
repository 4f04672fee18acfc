package app_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	chat "github.com/go-webpubsub/webpubsub/examples/chat/app"
)

func person(connection, user, name string) chat.Person {
	return chat.Person{Connection: connection, User: user, Name: name}
}

// TestLookalikes: a nickname that looks like another one is refused.
func TestLookalikes(t *testing.T) {
	t.Parallel()
	const script, taken = "A nickname has letters of one script.", "Somebody here has this nickname."
	for _, tt := range []struct{ name, here, wants, reason string }{
		{"Cyrillic among Latin", "Anna", "Аnna", script},
		{"Greek among Latin", "Oscar", "Οscar", script},
		{"Armenian among Latin", "Oscar", "Օscar", script},
		{"Cherokee", "Anna", "Ꭺꮑꮑꭺ", script},
		{"Lisu", "LISA", "ꓡꓲꓢꓮ", script},
		{"Cyrillic alone", "coco", "сосо", taken},
		{"Cyrillic alone, in large letters", "Bob", "ВОВ", taken},
		{"Greek alone", "TINA", "ΤΙΝΑ", taken},
		{"Greek alone, in small letters", "nova", "νονα", ""}, // ν is a v
		{"Greek v and o", "vov", "νον", taken},
		{"l and I", "Ali", "AIi", taken},
		{"l and 1", "Al", "A1", taken},
		{"O and 0", "Otto", "0tt0", taken},
		{"m and rn", "Emma", "Ernrna", taken},
		{"dotless i", "Tim", "Tım", taken},
		{"letters of mathematics", "Ann", "𝐀𝓷𝕟", taken},
		{"a lookalike of a lookalike", "сосо", "C0C0", taken},
		{"large letters throughout", "Ali", "ALI", taken},
		{"another script", "Anna", "Анна", ""},
		{"Latin and Japanese", "Anna", "Anna さくら 世界", ""},
		{"Korean", "Anna", "안나", ""},
		{"Arabic", "Anna", "آنا", ""},
		{"Hindi", "Anna", "अन्ना", ""},
		{"digits and emoji", "Anna", "Анна 2 🦊", ""},
		{"nothing but emoji", "Anna", "🦊🦊", ""},
		{"one letter more", "Anna", "Annal", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := chat.NewNicknames()
			require.NoError(t, p.Connect(person("1", "a", tt.here)))
			err := p.Ask(person("", "b", tt.wants))
			assert.Equal(t, tt.reason, webpubsub.MessageOf(err))
			assert.Equal(t, tt.reason == "", p.Connect(person("2", "b", tt.wants)) == nil, "the second time it is asked as well")
			require.NoError(t, p.Ask(person("1", "a", tt.here)), "it is no lookalike of itself")
		})
	}
}

// TestAbsence: the nickname of a user who has left is reserved for that user.
func TestAbsence(t *testing.T) {
	t.Parallel()
	const left = "Somebody had this nickname a moment ago. Try again in half a minute."
	synctest.Test(t, func(t *testing.T) {
		p := chat.NewNicknames()
		require.NoError(t, p.Connect(person("1", "ann", "Ann")))
		require.NoError(t, p.Connect(person("2", "ann", "Ann")))
		p.Leave("1")
		assert.Equal(t, "Somebody here has this nickname.", webpubsub.MessageOf(p.Ask(person("", "eve", "ann"))), "of two tabs one is still here")
		p.Leave("2")
		p.Leave("2")
		p.Leave("never was")
		assert.Equal(t, left, webpubsub.MessageOf(p.Ask(person("", "eve", "Ann"))))
		assert.Equal(t, left, webpubsub.MessageOf(p.Connect(person("3", "eve", "Ann"))))
		require.NoError(t, p.Ask(person("", "ann", "Ann")), "she may come back")

		<-time.After(chat.Absence - time.Second)
		require.NoError(t, p.Connect(person("4", "ann", "Ann")), "she is back")
		require.NoError(t, p.Ask(person("4", "ann", "Anna")), "and has another name now")
		require.NoError(t, p.Ask(person("", "eve", "Ann")), "so that this one is free")

		p.Leave("4")
		<-time.After(chat.Absence - time.Nanosecond)
		require.Error(t, p.Connect(person("5", "eve", "Anna")))
		<-time.After(time.Nanosecond)
		require.NoError(t, p.Connect(person("5", "eve", "Anna")), "she has not come back in time")
		require.Error(t, p.Connect(person("6", "ann", "Anna")))
	})
}

// TestAbsenceHasALimit: more people leave than nicknames are reserved.
func TestAbsenceHasALimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := chat.NewNicknames()
		guest := func(i int) chat.Person { return person(fmt.Sprint(i), fmt.Sprint(i), fmt.Sprintf("guest %d", i)) }
		for i := range chat.MaxAbsent + 1 {
			require.NoError(t, p.Connect(guest(i)))
			p.Leave(fmt.Sprint(i))
		}
		require.NoError(t, p.Ask(person("", "eve", "guest 0")), "the first is forgotten")
		require.Error(t, p.Ask(person("", "eve", "guest 1")))
		require.Error(t, p.Ask(person("", "eve", fmt.Sprintf("guest %d", chat.MaxAbsent))))
		<-time.After(chat.Absence)
		for i := range chat.MaxAbsent + 1 {
			require.NoError(t, p.Ask(person("", "eve", fmt.Sprintf("guest %d", i))))
		}
	})
}

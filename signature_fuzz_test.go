package webpubsub_test

import (
	"strings"
	"testing"

	"github.com/go-webpubsub/webpubsub"
)

func FuzzVerifySignature(f *testing.F) {
	for _, v := range signatureVectors {
		f.Add(v.want, v.id, v.key)
		f.Add(v.want+", "+v.want, v.id, v.key)
		f.Add(strings.ToUpper(v.want), v.id, v.key)
		f.Add(strings.Repeat("sha256=,", 16)+v.want, v.id, v.key)
		f.Add("sha256=", v.id, "")
	}
	f.Fuzz(func(t *testing.T, signature, id, key string) {
		want := webpubsub.Sign(key, id)
		if want != textbookSignature(key, id) {
			t.Fatalf("Sign returns %q", want)
		}
		tokens, made := 0, false
		for token := range strings.SplitSeq(signature, ",") {
			if token = strings.Trim(token, " \t"); token == "" {
				continue
			}
			tokens++
			if digest, ok := strings.CutPrefix(token, "sha256="); ok && "sha256="+lowerASCII(digest) == want {
				made = true
			}
		}
		accept := made && tokens <= 16 && key != "" && id != ""
		if err := webpubsub.VerifySignature(signature, id, key); (err == nil) != accept {
			t.Errorf("VerifySignature(%q, %q, %q) is %v, want acceptance %v", signature, id, key, err, accept)
		}
		if key == "" || id == "" {
			return
		}
		if err := webpubsub.VerifySignature("x , "+want, id, key+"x", key); err != nil {
			t.Errorf("own signature: %v", err)
		}
		if webpubsub.VerifySignature(want, id+"x", key) == nil {
			t.Error("accepted for another connection")
		}
	})
}

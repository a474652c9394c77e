package embedded_test

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"tollgate/rating/embedded"
)

// BenchmarkScript is one small script that writes, through the client that calls use: on the private server each answer
// means that it is on disk.
func BenchmarkScript(b *testing.B) {
	for _, c := range []struct {
		name string
		o    embedded.Options
	}{
		{"private", embedded.Options{DataDir: b.TempDir()}},
		{"ephemeral", embedded.Options{Ephemeral: true}},
	} {
		b.Run(c.name, func(b *testing.B) {
			s, err := embedded.Open(b.Context(), c.o)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close(b.Context())
			hold := redis.NewScript(`return redis.call('HINCRBY', KEYS[1], 'held', ARGV[1])`)
			for b.Loop() {
				if err := hold.Run(b.Context(), s.Client, []string{"a"}, 1).Err(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkOpen is a start with an empty store, and its clean stop.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		s, err := embedded.Open(b.Context(), embedded.Options{DataDir: dir})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

package export

import (
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/waymark-events/waymark/services/local/rigs/child"
)

// A process is killed with SIGKILL at any instant, again and again, while events come and a reader reads. The reader must find each file whole as soon as its
// entry is there, and in the end each event is in exactly one file.
func TestEachEventIsInExactlyOneFileWheneverTheProcessIsKilled(t *testing.T) {
	for name, l := range lakes(t) {
		t.Run(name, func(t *testing.T) {
			r := use(t)
			const kills = 12
			args := exports(l)
			reader := reader{l: l, seen: map[string]bool{}}
			var span time.Duration // from a run's first file to its end; every fourth run is let go, to know
			killed := 0
			for runs := 0; killed < kills; runs++ {
				r.visit(100+runs, 70)
				p := &child.Process{Name: "export", Args: append([]string{os.Args[0]}, args...), Env: []string{childVariable + "=1"}, Says: "step file begun"}
				if err := p.Start(t.Context(), t.TempDir()); err != nil {
					t.Fatal(err)
				}
				if p.Ready(t.Context()) != nil { // it found nothing to write
					if err := p.Stop(); err != nil {
						t.Fatal(err)
					}
					continue
				}
				began, moment := time.Now(), patience
				if span > 0 && runs%4 != 0 {
					moment = rand.N(span)
				}
				for p.Alive() == nil && time.Since(began) < moment {
					reader.look(t)
				}
				if p.Alive() == nil {
					if err := p.Kill(); err != nil {
						t.Fatal(err)
					}
					killed++
				} else {
					if err := p.Stop(); err != nil {
						t.Fatalf("a run that nobody killed: %v", err)
					}
					span = time.Since(began)
				}
				reader.look(t)
			}
			t.Logf("killed %d times; %d entries by then", killed, len(reader.seen))
			if len(reader.seen) == 0 {
				t.Error("no run came as far as an entry")
			}
			r.settle(l, args)
		})
	}
}

// A reader reads what a manifest names, once.
type reader struct {
	l    lake
	seen map[string]bool
}

func (r *reader) look(t *testing.T) {
	t.Helper()
	var fresh []string
	for _, name := range r.l.names(t) {
		if !r.seen[name] {
			r.seen[name] = true
			fresh = append(fresh, name)
		}
	}
	for _, e := range entries(t, r.l, fresh) {
		whole(t, r.l, e)
	}
}

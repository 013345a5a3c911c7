package cost

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/waymark-events/waymark/services/local/rigs/child"
)

// floorVariable makes the test's program the bare server, at the address that it names.
const floorVariable = "WAYMARK_COST_FLOOR"

func TestMain(m *testing.M) {
	if address := os.Getenv(floorVariable); address != "" {
		if err := serveFloor(address); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

const floorReady = "the floor is ready"

// serveFloor reads bodies and answers, until it is asked to end: what net/http takes, whatever stands behind it.
func serveFloor(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // a client that is gone needs no answer
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "{}\n")
	})}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	fmt.Println(floorReady)
	go func() { // ends with the process
		<-asked
		_ = server.Close()
	}()
	if err := server.Serve(l); err != http.ErrServerClosed {
		return err
	}
	return nil
}

func startFloor(b *testing.B) *edge {
	free, err := child.FreeAddresses(1)
	if err != nil {
		b.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	e := &edge{address: free[0], Process: &child.Process{Name: "floor", Args: []string{program}, Says: floorReady, Env: []string{floorVariable + "=" + free[0]}}}
	e.run(b, b.TempDir())
	return e
}

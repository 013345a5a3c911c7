// Command waymarkctl operates a Waymark pipeline.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/waymark-events/waymark/services/waymarkctl"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	code := waymarkctl.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

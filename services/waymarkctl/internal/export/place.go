package export

import (
	"context"
	"io"
)

// A Place is where an export of events lies: a folder (NewFolder), or a bucket's objects below a prefix (Bucket.Place).
type Place interface {
	// Entries returns what the manifest has, by number.
	Entries(ctx context.Context) ([]Entry, error)

	// open makes it ready for a run. Where a place can, it keeps other runs out until shut.
	open(ctx context.Context, region string) error
	shut() error
	// clean removes what interrupted runs left and what can never count, given all entries. It returns how much that was, and notes on what may not be
	// removed, which does no harm but to the bill.
	clean(ctx context.Context, entries []Entry) (removed int, notes []string, err error)
	// begin begins the file of the entry with a number.
	begin(ctx context.Context, number int) (part, error)
	// add writes an entry, which makes its file count. It never replaces one: an entry of another run is an error.
	add(ctx context.Context, e Entry, step func(string) error) error
	// named is an entry's number or a file of it, as a message has it.
	named(below string) string
}

// A part is a file that is not whole yet.
type part interface {
	io.Writer
	// finish makes it last under its name, and returns the name below the place, with slashes.
	finish() (string, error)
	// abandon ends it without a file.
	abandon() error
}

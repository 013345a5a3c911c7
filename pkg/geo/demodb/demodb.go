// Package demodb makes a small database of locations for a first look without a network: some sixty networks that universities
// have held since the first days of the Internet, at the cities those are in. It is a toy: whoever wants to know where
// visitors are installs GeoLite2, GeoIP2 or DB-IP.
package demodb

import (
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"go4.org/netipx"
)

// A network and where it is.
type network struct {
	prefix              string
	code, country       string
	subdivision, city   string
	latitude, longitude float64
}

// Addresses returns the networks, all of them public.
func Addresses() []netip.Prefix {
	out := make([]netip.Prefix, len(networks))
	for i, n := range networks {
		out[i] = netip.MustParsePrefix(n.prefix)
	}
	return out
}

// Write makes the database at file, in MaxMind's City layout, by way of a temporary file beside it.
func Write(file string) error {
	return write(file, "Waymark-Demo-City", func(n network) mmdbtype.Map {
		record := mmdbtype.Map{
			"country":  mmdbtype.Map{"iso_code": mmdbtype.String(n.code), "names": english(n.country)},
			"city":     mmdbtype.Map{"names": english(n.city)},
			"location": mmdbtype.Map{"latitude": mmdbtype.Float64(n.latitude), "longitude": mmdbtype.Float64(n.longitude)},
		}
		if n.subdivision != "" {
			record["subdivisions"] = mmdbtype.Slice{mmdbtype.Map{"names": english(n.subdivision)}}
		}
		return record
	})
}

func english(name string) mmdbtype.Map { return mmdbtype.Map{"en": mmdbtype.String(name)} }

func write(file, kind string, record func(network) mmdbtype.Map) error {
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: kind, Languages: []string{"en"}, IPVersion: 6, RecordSize: 24})
	if err != nil {
		return fmt.Errorf("make %s: %w", file, err)
	}
	for _, n := range networks {
		if err := tree.Insert(netipx.PrefixIPNet(netip.MustParsePrefix(n.prefix)), record(n)); err != nil {
			return fmt.Errorf("make %s: %s: %w", file, n.prefix, err)
		}
	}
	return replace(file, tree)
}

// replace writes beside file and renames, so that no reader sees half a database.
func replace(file string, content io.WriterTo) error {
	temporary, err := os.CreateTemp(filepath.Dir(file), ".mmdb-")
	if err != nil {
		return fmt.Errorf("make %s: %w", file, err)
	}
	defer os.Remove(temporary.Name())
	if _, err := content.WriteTo(temporary); err != nil {
		temporary.Close()
		return fmt.Errorf("make %s: %w", file, err)
	}
	if err := temporary.Close(); err != nil {
		return fmt.Errorf("make %s: %w", file, err)
	}
	if err := os.Rename(temporary.Name(), file); err != nil {
		return fmt.Errorf("make %s: %w", file, err)
	}
	return nil
}

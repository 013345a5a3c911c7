package chdb

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// LibraryVersion is the npm version of libchdb that `make libchdb` fetches and this package is tested with.
const LibraryVersion = "26.7.3-stable.1"

// Find returns the path of libchdb: $LIBCHDB if set, else the library in one of dirs, else the one that `make libchdb` put into
// services/local/npm of this checkout (looked for from the working directory upwards). A dir may be node_modules, a folder that
// holds it, or the folder of the library itself.
func Find(dirs ...string) (string, error) {
	if path := os.Getenv("LIBCHDB"); path != "" {
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("LIBCHDB names a library that cannot be read: %w", err)
		}
		return path, nil
	}
	dirs = append(dirs, checkoutDirs()...)
	for _, dir := range dirs {
		for _, sub := range []string{"", platformPackage, filepath.Join("node_modules", platformPackage)} {
			path := filepath.Join(dir, filepath.FromSlash(sub), "libchdb.so")
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				return filepath.Abs(path)
			}
		}
	}
	return "", fmt.Errorf("libchdb, the embedded ClickHouse engine, is not installed: run `make libchdb` (it fetches %s %s), or set LIBCHDB to the path of libchdb.so",
		platformPackage, LibraryVersion)
}

// platformPackage is the npm package with the library for this platform.
var platformPackage = map[string]string{
	"linux/amd64":  "@chdb/lib-linux-x64-gnu",
	"linux/arm64":  "@chdb/lib-linux-arm64-gnu",
	"darwin/amd64": "@chdb/lib-darwin-x64",
	"darwin/arm64": "@chdb/lib-darwin-arm64",
}[runtime.GOOS+"/"+runtime.GOARCH]

// checkoutDirs are services/local/npm in the working directory and its parents.
func checkoutDirs() (dirs []string) {
	dir, err := os.Getwd()
	if err != nil {
		return nil
	}
	for {
		dirs = append(dirs, filepath.Join(dir, "services", "local", "npm"))
		parent := filepath.Dir(dir)
		if parent == dir {
			return dirs
		}
		dir = parent
	}
}

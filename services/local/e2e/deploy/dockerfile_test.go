package deploy

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func dockerfile(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "deploy/docker/Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	workspaceUse = regexp.MustCompile(`(?m)^\s+\./(\S+)`)
	mains        = regexp.MustCompile(`for main in ([^;]+);`)
)

func TestTheBuildCopiesEveryModuleOfTheWorkspace(t *testing.T) {
	work, err := os.ReadFile(filepath.Join(root, "go.work"))
	if err != nil {
		t.Fatal(err)
	}
	before, _, found := strings.Cut(dockerfile(t), "go mod download")
	if !found {
		t.Fatal("the Dockerfile downloads no modules")
	}
	for _, use := range workspaceUse.FindAllStringSubmatch(string(work), -1) {
		if line := "COPY " + use[1] + "/go.mod " + use[1] + "/go.sum " + use[1] + "/\n"; !strings.Contains(before, line) {
			t.Errorf("the Dockerfile does not say %q before it downloads", line)
		}
	}
}

func TestTheBuildMakesEachImagesBinary(t *testing.T) {
	text := dockerfile(t)
	list := mains.FindStringSubmatch(text)
	if list == nil {
		t.Fatal("the Dockerfile lists no binaries")
	}
	built := make(map[string]bool)
	for _, main := range strings.Fields(list[1]) {
		built[path.Base(main)] = true
		source, err := os.ReadFile(filepath.Join(root, "services", main, "main.go"))
		if err != nil || !strings.Contains(string(source), "\npackage main\n") {
			t.Errorf("services/%s is no command: %v", main, err)
		}
	}
	for target := range binaries {
		_, stage, _ := strings.Cut(text, " AS "+target+"\n")
		stage, _, _ = strings.Cut(stage, "\nFROM ")
		copied := regexp.MustCompile(`COPY --from=build /out/(\S+)`).FindStringSubmatch(stage)
		if copied == nil || !built[copied[1]] || !strings.Contains(stage, `ENTRYPOINT ["`+copied[1]+`"]`) {
			t.Errorf("image %s does not start a binary that the build makes:\n%s", target, stage)
		}
	}
}

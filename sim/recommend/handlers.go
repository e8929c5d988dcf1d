package recommend

import (
	"fmt"
	"slices"
	"strings"

	"github.com/probesim/probesim/model"
)

// ownChecks are the commands by which programs that speak no HTTP tell that
// they work, as the documentation of their images has them.
var ownChecks = []struct {
	image   string // last part of its name
	command string
}{
	{"postgres", "[pg_isready]"},
	{"mysql", "[mysqladmin, ping]"},
	{"mariadb", "[healthcheck.sh, --connect]"},
	{"redis", "[redis-cli, ping]"},
	{"valkey", "[valkey-cli, ping]"},
	{"rabbitmq", "[rabbitmq-diagnostics, -q, ping]"},
	{"mongo", "[mongosh, --eval, db.adminCommand('ping')]"},
}

// noProbe says why nothing can be recommended to a container without probes,
// and what to add, as changes of --set. The path cannot be guessed; the port
// and the commands of well-known images can.
func noProbe(w *model.World) string {
	c := w.Container()
	kinds := []model.ProbeKind{model.Readiness, model.Liveness}
	if w.Pod.RestartPolicy != model.RestartAlways {
		kinds = kinds[1:] // it serves nobody
	}
	name, _, _ := strings.Cut(c.Image[strings.LastIndex(c.Image, "/")+1:], ":")
	name, _, _ = strings.Cut(name, "@")
	var set []string
	of := ""
	for _, own := range ownChecks {
		if own.image == name {
			of = ", the check of the image " + name
			for _, k := range kinds {
				set = append(set, fmt.Sprintf("--set '%s.exec.command=%s'", k.Field(), own.command))
			}
		}
	}
	if set == nil {
		port := portOf(c)
		of = ", with the paths that the program has"
		if len(c.Ports) == 0 {
			port, of = "8080", ", with the port and the paths that the program has"
		}
		for _, k := range kinds {
			path := map[model.ProbeKind]string{model.Readiness: "/ready", model.Liveness: "/healthz"}[k]
			set = append(set, fmt.Sprintf("--set %[1]s.httpGet.port=%[2]s --set %[1]s.httpGet.path=%[3]s", k.Field(), port, path))
		}
	}
	return fmt.Sprintf("container %q has no probe, and what to ask cannot be guessed: add %s%s. A program without HTTP can have exec.command or grpc.port; a tcpSocket.port notices no hang (C10)",
		c.Name, strings.Join(set, " "), of)
}

// portOf returns the name of the container's port that most likely serves
// requests: one called after HTTP, else the first by name.
func portOf(c *model.Container) string {
	var names []string
	for name := range c.Ports {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if strings.HasPrefix(name, "http") || name == "web" {
			return name
		}
	}
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

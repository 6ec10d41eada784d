"""A small program on Go's golang.org/x/net/webdav, built here."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bench import files
from bench.peers import Absent, Peer, program

_PACKAGES = Path("/usr/share/gocode")  # where Debian keeps the sources
_PROGRAM = """\
package main

import (
	"crypto/subtle"
	"log"
	"net/http"
	"os"

	"golang.org/x/net/webdav"
)

func main() {
	drive := &webdav.Handler{FileSystem: webdav.Dir(os.Args[2]), LockSystem: webdav.NewMemLS()}
	login, password := []byte(os.Args[3]), []byte(os.Args[4])
	log.Fatal(http.ListenAndServe(os.Args[1], http.HandlerFunc(
		func(answer http.ResponseWriter, request *http.Request) {
			name, word, _ := request.BasicAuth()
			if subtle.ConstantTimeCompare([]byte(name), login)&
				subtle.ConstantTimeCompare([]byte(word), password) != 1 {
				answer.Header().Set("WWW-Authenticate", `Basic realm="bench"`)
				http.Error(answer, "", http.StatusUnauthorized)
				return
			}
			drive.ServeHTTP(answer, request)
		})))
}
"""


class Go(Peer):
    """One process; Go uses all cores."""

    name = "Go x/net/webdav"

    def command(self) -> Sequence[str]:
        go = program("go")
        if not (_PACKAGES / "src/golang.org/x/net/webdav").is_dir():
            raise Absent("the sources of golang.org/x/net are not installed")
        source, built = self.folder / "main.go", self.folder / "drive"
        source.write_text(_PROGRAM, encoding="utf-8")
        environment = {
            **os.environ, "GO111MODULE": "off", "GOPATH": str(_PACKAGES), "GOFLAGS": "",
            "GOCACHE": str(self.folder / "cache"),
        }  # fmt: skip
        done = subprocess.run(
            [go, "build", "-o", str(built), str(source)],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise Absent(f"it does not build: {done.stderr[-500:]}")
        return [
            str(built), f"127.0.0.1:{self.port}", str(self.served), files.OWNER.login,
            files.OWNER.password,
        ]  # fmt: skip

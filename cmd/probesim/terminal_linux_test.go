package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
	"unsafe"
)

// control calls ioctl(2) on a file, with a pointer to what it takes or gives.
func control(file *os.File, request uintptr, argument unsafe.Pointer) error {
	if _, _, failed := syscall.Syscall(syscall.SYS_IOCTL, file.Fd(), request, uintptr(argument)); failed != 0 {
		return failed
	}
	return nil
}

// TestTerminalOf opens a pseudo-terminal of 61 columns and checks that its width
// is taken, and that it gets colours unless the environment forbids them; a file
// gets none, and the width of COLUMNS.
func TestTerminalOf(t *testing.T) {
	controller, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no pseudo-terminal: ", err)
	}
	defer controller.Close()
	const unlock, numberOf = 0x40045431, 0x80045430 // TIOCSPTLCK, TIOCGPTN
	var locked, number int32
	if err := errors.Join(control(controller, unlock, unsafe.Pointer(&locked)), control(controller, numberOf, unsafe.Pointer(&number))); err != nil {
		t.Skip("no pseudo-terminal: ", err)
	}
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo-terminal: ", err)
	}
	defer terminal.Close()
	size := [4]uint16{20, 61} // rows, columns, and both in pixels
	if err := control(terminal, syscall.TIOCSWINSZ, unsafe.Pointer(&size)); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, test := range []struct {
		name, columns, noColor, kind string
		to                           *os.File
		wantColumns                  int
		wantColors                   bool
	}{
		{"terminal", "200", "", "xterm", terminal, 61, true},
		{"NO_COLOR", "", "1", "xterm", terminal, 61, false},
		{"dumb terminal", "", "", "dumb", terminal, 61, false},
		{"file", "", "", "xterm", file, usualColumns, false},
		{"file with COLUMNS", "132", "", "xterm", file, 132, false},
		{"file with COLUMNS that are none", "wide", "", "xterm", file, usualColumns, false},
	} {
		t.Setenv("COLUMNS", test.columns)
		t.Setenv("NO_COLOR", test.noColor)
		t.Setenv("TERM", test.kind)
		if columns, colors := terminalOf(test.to); columns != test.wantColumns || colors != test.wantColors {
			t.Errorf("%s: %d columns, colours %t; want %d, %t", test.name, columns, colors, test.wantColumns, test.wantColors)
		}
	}
}

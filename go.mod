module github.com/probesim/probesim

go 1.26.0

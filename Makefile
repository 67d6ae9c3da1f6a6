# The commands of README.md and CONTRIBUTING.md. Everything is built with CMake and Ninja under build*/.
.DEFAULT_GOAL := help
.PHONY: help demo program test deep bench format clean

# One more than processors: tests of several processes wait for each other most of the time.
jobs := $(shell expr $$(nproc) + 1)

help:
	@echo 'make demo     install, build the program, train it on data/lyrics.txt and let it continue a line'
	@echo 'make program  install, build the program only: build/unroll'
	@echo 'make test     install, build everything, run the quick tests'
	@echo 'make deep     the checks that take hours, after make test'
	@echo 'make bench    measure beside oneDNN and other frameworks: docs/benchmark.md'
	@echo 'make format   format the sources with clang-format 14'
	@echo 'make clean    remove what was built'

# Uses the build folder of `make test` if there is one.
program:
	scripts/install_deps.sh build
	@test -f build/build.ninja || cmake --preset program
	cmake --build build --target unroll_cli

demo: program
	scripts/install_deps.sh demo
	build/unroll train data/lyrics.txt --cell gru --epochs 40 --lr 0.01 --prefix 雨 --prefix 'The ' --out runs/demo --overwrite
	build/unroll generate runs/demo --prefix 月亮 --length 100 --temperature 0.5
	build/unroll generate runs/demo --prefix 'The rain' --length 100 --temperature 0.5

test:
	scripts/install_deps.sh build test
	cmake --preset release
	cmake --build build
	ctest --preset quick -j $(jobs)

deep: test
	scripts/install_deps.sh ci
	ctest --preset deep -j $(jobs)

bench:
	scripts/install_deps.sh build bench
	cmake --preset bench
	cmake --build build-bench
	python3 -B bench/run.py --build build-bench

format:
	scripts/install_deps.sh ci
	scripts/format.sh

clean:
	rm -rf build build-*

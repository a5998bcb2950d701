# SPDX-License-Identifier: Apache-2.0
# Where bash-completion looks under any prefix that is in XDG_DATA_DIRS.
completionsdir = $(datadir)/bash-completion/completions
dist_completions_DATA = packaging/completions/husk

# podman 4 reads drop-ins below /etc only: configure with --sysconfdir=/etc.
containersconfdir = $(sysconfdir)/containers/containers.conf.d
dist_containersconf_DATA = packaging/containers.conf.d/husk.conf

# Profiles of "husk sandbox".
sandboxprofilesdir = $(pkgdatadir)/sandbox
dist_sandboxprofiles_DATA = packaging/sandbox/judge.json

"""`make containers`: our Dockerfile and docker-compose.yml run by Podman, while containers are killed and replaced.

The images that ours stand on are stand-ins made of Debian's packages. What is proved is our Dockerfile, our compose
file with its health checks, networks and volumes, and the promises across them; not those other images.
"""

# token-meter consume as a container (docs/consume.md). It listens on nothing and runs as nobody in particular.
FROM python:3.13-slim
WORKDIR /source
COPY . .
RUN pip install --no-cache-dir '.[local]' && rm -rf /source
WORKDIR /work
USER 65532
ENTRYPOINT ["token-meter"]
CMD ["consume", "--help"]

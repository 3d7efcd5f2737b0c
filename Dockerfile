# The workflow with its library and embedded models. It has not been built where it was written.
#
#   docker build -t zeroshot-vss .
#   docker run --rm -v "$PWD/results:/workflow/results" zeroshot-vss --cores 2 results/table1.csv
#
# On a GPU: `docker run --gpus all ...`.
FROM python:3.12-slim

WORKDIR /workflow
COPY requirements.lock pyproject.toml README.md LICENSE ./
COPY src ./src
RUN pip install --no-cache-dir -c requirements.lock -e .
COPY . .

ENTRYPOINT ["snakemake"]
CMD ["--cores", "2", "results/table1.csv"]

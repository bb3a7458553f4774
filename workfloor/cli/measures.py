"""`workfloor contracts measures`: the catalogue, for whoever writes a contract or reads a figure."""

import json

import click


@click.command(
    epilog="""\b
Examples:
  workfloor contracts measures
  workfloor contracts measures transfer-rate
  workfloor contracts measures --format json
"""
)
@click.argument("measure", required=False)
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", help="How to print it."
)
def measures(measure: str | None, form: str) -> None:
    """Say what each MEASURE counts: its definition and source, its unit, in which forms it is computed."""
    from workfloor.core.catalogue import reference as catalogue_reference

    if form == "markdown":
        click.echo(catalogue_reference.reference(), nl=False)
        return
    every = catalogue_reference.plain()
    found = [each for each in every if measure in (None, each["measure"])]
    if not found:
        known = ", ".join(each["measure"] for each in every)
        raise click.ClickException(f"There is no measure {measure}; there is {known}.")
    if form == "json":
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for each in found:
        click.echo(f"{each['measure']}: {each['title']}, in {each['unit']}")
        if measure:
            click.echo(f"  {each['definition']}\n  {each['source']}")
            for name, form_of in each["forms"].items():
                click.echo(f"  {name}: {'yes' if form_of is True else f'no, it {form_of}'}")

using System.CommandLine;
using EveStorage.Cli;
using EveStorage.Cli.Profiles;
using EveStorage.Host.Checks;
using EveStorage.Host.Composition;
using EveStorage.Host.Plugins;
using EveStorage.Host.Profiles;
using Microsoft.Extensions.Configuration;

namespace EveStorage.Host.Cli.Verbs;

internal sealed class ProfileList() : CliVerb("profile list", "List the profiles there are, and their files.")
{
    protected override Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<string, string> known = ProfileSource.Known;
        invocation.Answer(known, output => Table.Write(output, ["profile", "file"], known.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => new[] { pair.Key, pair.Value })));
        return Task.FromResult(ExitCodes.Success);
    }
}

internal sealed class ProfileShow() : CliVerb("profile show", "Show the profile in force: the files it was read from, lowest first, and every key after they were merged.")
{
    protected override Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        ProfileSource source = ProfileSource.Read(invocation.Parsed.GetValue(GlobalOptions.Profile));
        Dictionary<string, string> keys = source.Merged.AsEnumerable().Where(pair => pair.Value is not null).ToDictionary(pair => pair.Key, pair => pair.Value!);
        invocation.Answer(new { source.Name, source.Files, Keys = keys }, output =>
        {
            foreach (string file in source.Files)
            {
                output.WriteLine($"# {file}");
            }

            foreach ((string key, string value) in keys.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            {
                output.WriteLine($"{key} = {value}");
            }
        });
        return Task.FromResult(ExitCodes.Success);
    }
}

internal sealed class ProfileCheck() : CliVerb(
    "profile check", "Check a profile as a whole, with the options of its plugins, and print every problem at once. Nothing is changed. Exit code 2 when there is one.")
{
    protected override async Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        Problems problems = new();
        Profile profile = ProfileReader.Read(ProfileSource.Read(invocation.Parsed.GetValue(GlobalOptions.Profile)), problems);
        PluginCatalog catalog = PluginCatalog.Load(profile.Plugins);
        foreach (CatalogEntry entry in catalog.Entries.Where(entry => entry.Enabled))
        {
            foreach (string reason in entry.Reasons)
            {
                problems.Add($"Plugins:Enabled:{entry.Id}", reason);
            }
        }

        StorageParts.Check(profile, catalog, problems);
        await DeclarationCheck.RunAsync(profile, catalog, problems, cancellationToken);
        invocation.Answer(problems.Lines, output =>
        {
            foreach (string line in problems.Lines.DefaultIfEmpty($"{profile.Name}: no problem"))
            {
                output.WriteLine(line);
            }
        });
        return problems.Lines.Count == 0 ? ExitCodes.Success : ExitCodes.Usage;
    }
}

using System.Text.Json;
using System.Text.Json.Nodes;
using EveStorage.Cli;
using EveStorage.Cli.Api;
using EveStorage.Cli.Profiles;
using EveStorage.Host.Hardware;
using EveStorage.Host.Profiles;

namespace EveStorage.Host.Cli.Verbs;

internal sealed class ProfileDetect() : CliVerb(
    "profile detect",
    "Say which profile fits this machine, the reason for each decision, and what to put into /etc/evestorage/appsettings.json. Nothing is changed, and where pools are made, their profile stays.\n\nExample: evestorage profile detect")
{
    protected override async Task<int> RunAsync(Invocation invocation, CancellationToken cancellationToken)
    {
        ProfileChoice choice = ProfileChoice.For(Machine.Look());
        string inForce = ProfileSource.Read(invocation.Parsed.GetValue(GlobalOptions.Profile)).Name;
        string[] made = [.. (await (await invocation.OpenAsync(cancellationToken)).ListPoolsAsync(cancellationToken))
            .Where(pool => pool.Created).Select(pool => $"{pool.Name}, of kind {pool.Kind}")];
        Reason[] reasons = made.Length == 0
            ? [.. choice.Reasons]
            : [new($"made by {inForce}: {string.Join("; ", made)}", $"{inForce} stays; {choice.Profile} would be for a machine without"), .. choice.Reasons];
        var answer = new { Profile = made.Length == 0 ? choice.Profile : inForce, Fits = choice.Profile, Reasons = reasons, Settings = made.Length == 0 ? choice.Settings : new JsonObject { ["Profile"] = inForce } };
        invocation.Answer(answer, output =>
        {
            output.WriteLine(answer.Profile);
            output.WriteLine();
            Table.Write(output, ["found", "so"], reasons.Select(reason => new[] { reason.Found, reason.So }));
            output.WriteLine();
            output.WriteLine(answer.Settings.ToJsonString(new JsonSerializerOptions(JsonSerializerOptions.Default) { WriteIndented = true }));
        });
        return ExitCodes.Success;
    }
}

using System.Reflection;

namespace EveStorage.Cli.Api;

/// <summary>The program's version, which a daemon and a command have to have in common.</summary>
internal static class ProgramVersion
{
    /// <summary>It.</summary>
    internal static string Ours { get; }
        = typeof(ProgramVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";
}

namespace EveStorage.Host.Urls;

/// <summary>What is waited for, and how long.</summary>
/// <param name="Stall">How long a server may send nothing before it is asked again.</param>
/// <param name="Patience">How long it is asked again in all, once something came, while nothing more does.</param>
internal sealed record UrlLimits(TimeSpan Stall, TimeSpan Patience)
{
    // Who names a server that is not there wants to know soon.
    private static readonly TimeSpan s_firstPatience = TimeSpan.FromSeconds(20);

    /// <summary>How long a server is asked that has not answered yet.</summary>
    internal TimeSpan FirstPatience => Patience < s_firstPatience ? Patience : s_firstPatience;
}

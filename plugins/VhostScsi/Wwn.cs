using System.Security.Cryptography;
using System.Text;

namespace EveStorage.VhostScsi;

/// <summary>
/// The name that a guest's controller has: <c>naa.5001405</c> as LIO's own tools make it, and nine digits that come from the
/// subsystem's name, so that they are the same after each boot.
/// </summary>
internal static class Wwn
{
    internal static string Of(Nqn subsystem)
        => $"naa.5001405{Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes($"{subsystem}")))[..9]}";

    /// <summary>The name of the one that uses a controller; LIO wants one, and nobody looks at it.</summary>
    internal static string NexusOf(string wwn, bool isLoopback)
        => isLoopback ? $"naa.5001406{wwn["naa.5001405".Length..]}" : wwn;
}

using System.Net.Http;
using System.Net.Sockets;
using System.Security.Authentication;

namespace EveStorage.Host.Urls;

/// <summary>What went wrong between a server and us, in words for a person.</summary>
internal static class UrlTrouble
{
    /// <summary>Of a failure of the connection, or of what came through it.</summary>
    internal static string Of(Exception failure) => failure switch
    {
        HttpRequestException { StatusCode: not null } answered => answered.Message,   // our own words
        HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } => "no address is known for the name of its server",
        HttpRequestException { InnerException: SocketException refused } => Of(refused.SocketErrorCode),
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } => "its server does not agree on a secure connection",
        HttpRequestException { HttpRequestError: HttpRequestError.ResponseEnded } or HttpIOException { HttpRequestError: HttpRequestError.ResponseEnded } => "its server ended the connection before its answer's end",
        HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse } or HttpIOException { HttpRequestError: HttpRequestError.InvalidResponse } => "what its server answers is no HTTP",
        _ => "the connection to its server broke",
    };

    /// <summary>Of a certificate that nobody should trust. .NET tells what is wrong with it by the names of its flags alone.</summary>
    internal static string Of(AuthenticationException untrusted)
        => Says(untrusted, "RemoteCertificateNameMismatch") ? "its certificate is for another name"
            : Says(untrusted, "NotTimeValid") ? "its certificate has run out, or is not valid yet by the clock here"
            : Says(untrusted, "UntrustedRoot") || Says(untrusted, "PartialChain") ? "its certificate is signed by nobody whom this machine trusts"
            : "its certificate is not valid here";

    private static string Of(SocketError error) => error switch
    {
        SocketError.ConnectionRefused => "its server refuses connections",
        SocketError.HostUnreachable or SocketError.NetworkUnreachable or SocketError.NetworkDown or SocketError.HostDown => "its server can't be reached from here",
        SocketError.TimedOut => "its server does not answer",
        SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain => "no address is known for the name of its server",
        _ => "the connection to its server broke",
    };

    private static bool Says(AuthenticationException untrusted, string flag) => untrusted.Message.Contains(flag, StringComparison.Ordinal);
}

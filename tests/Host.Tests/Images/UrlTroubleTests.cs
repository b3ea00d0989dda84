using System.Net.Http;
using System.Net.Sockets;
using System.Security.Authentication;
using EveStorage.Host.Urls;

namespace EveStorage.Tests;

/// <summary>What is said of a server that can't be had: our own words, whatever the framework's are.</summary>
public sealed class UrlTroubleTests
{
    [Fact]
    public async Task A_port_where_nobody_listens()
    {
        using Socket taken = new(SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));   // so that nobody else listens there
        using HttpClient client = new();

        HttpRequestException failure = await Should.ThrowAsync<HttpRequestException>(() => client.GetAsync(new Uri($"http://127.0.0.1:{((System.Net.IPEndPoint)taken.LocalEndPoint!).Port}/"), TestContext.Current.CancellationToken));

        UrlTrouble.Of(failure).ShouldBe("its server refuses connections");
    }

    [Theory]
    [InlineData(HttpRequestError.NameResolutionError, "no address is known for the name of its server")]
    [InlineData(HttpRequestError.SecureConnectionError, "its server does not agree on a secure connection")]
    [InlineData(HttpRequestError.ResponseEnded, "its server ended the connection before its answer's end")]
    [InlineData(HttpRequestError.InvalidResponse, "what its server answers is no HTTP")]
    [InlineData(HttpRequestError.Unknown, "the connection to its server broke")]
    public void Another_failure_by_its_kind(HttpRequestError kind, string said)
    {
        UrlTrouble.Of(new HttpRequestException(kind, "net_http_words")).ShouldBe(said);
        UrlTrouble.Of(new IOException("more words")).ShouldBe("the connection to its server broke");
    }

    [Theory]
    [InlineData("the RemoteCertificate is invalid: RemoteCertificateNameMismatch", "its certificate is for another name")]
    [InlineData("because of errors in the certificate chain: NotTimeValid", "its certificate has run out, or is not valid yet by the clock here")]
    [InlineData("because of errors in the certificate chain: UntrustedRoot", "its certificate is signed by nobody whom this machine trusts")]
    [InlineData("for a reason of its own", "its certificate is not valid here")]
    public void A_certificate_by_what_is_wrong_with_it(string message, string said)
        => UrlTrouble.Of(new AuthenticationException(message)).ShouldBe(said);
}
